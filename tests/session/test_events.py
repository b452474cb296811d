"""What a session reports: values that can be compared, and kept."""

import dataclasses

import pytest

from stomp_sansio.session.events import Changed, CredentialsWanted, Ended, Interrupted, Ready
from stomp_sansio.session.tickets import Ticket


@pytest.mark.parametrize("kind", [Ready, Interrupted, Ended, CredentialsWanted])
def test_the_life_of_a_session_cannot_be_changed_afterwards(kind):
    fields = [field.name for field in dataclasses.fields(kind)]
    event = kind(*fields)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, fields[0], None)
    assert event == kind(*fields)


def test_a_change_says_of_what():
    ticket = Ticket("something")
    assert Changed(ticket).subject is ticket
