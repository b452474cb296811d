"""What `./dev` starts: programs for people who work on the project. Nothing that is installed imports it."""
