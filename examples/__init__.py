"""Programs that show how the library is used; the tests run them."""
