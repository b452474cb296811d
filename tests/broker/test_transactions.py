"""What was said in a transaction, in its order."""

from stomp_sansio.broker.destinations import Destination, Kind
from stomp_sansio.broker.messages import StoredMessage
from stomp_sansio.broker.transactions import Settlement, Transaction, Transfer
from stomp_sansio.protocol.shared_message import SharedMessage


def test_steps_are_kept_in_order_and_counted() -> None:
    transaction: Transaction[str] = Transaction()
    assert (transaction.steps, transaction.octets) == ([], 0)
    transfers = [
        Transfer(Destination(Kind.QUEUE, "a"), StoredMessage(SharedMessage("/queue/a", "1", bytes(size))))
        for size in (10, 20)
    ]
    settlements = [Settlement(True, ["1", "2"]), Settlement(False, ["3"])]
    transaction.send(transfers[0])
    transaction.settle(settlements[0])
    transaction.send(transfers[1])
    transaction.settle(settlements[1])
    assert transaction.steps == [transfers[0], settlements[0], transfers[1], settlements[1]]
    assert transaction.octets == sum(transfer.message.size for transfer in transfers)
    assert transaction.transfers() == transfers
    assert transaction.deliveries() == ["1", "2", "3"]
