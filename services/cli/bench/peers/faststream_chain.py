"""Three FastStream subscribers, each of which keeps a row and publishes to the next: quorum queues, confirms, acknowledged at the end.

``faststream_chain.py stage N`` reads one queue, ``faststream_chain.py feed FIRST COUNT RATE`` fills the first.
"""

import asyncio
import os
import sys
import time

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from rows import STAGES, TEXT, connect, keep

broker = RabbitBroker(os.environ["AMQP_URL"], default_channel=Channel(prefetch_count=50, publisher_confirms=True), log_level=40)


def queue(number):
    return RabbitQueue(STAGES[number], durable=True, declare=False)


async def publish(number, message):
    await broker.publish(message, queue=queue(number), persist=True, mandatory=True)


async def serve(number):
    rows = connect()

    @broker.subscriber(queue(number), ack_policy=AckPolicy.NACK_ON_ERROR)
    async def stage(message: dict[str, str]) -> None:
        keep(rows, number, message["name"], message["text"])
        await publish(number + 1, message)

    await FastStream(broker).run()


async def fill(first, count, rate):
    async with broker:
        began = time.perf_counter()
        for number in range(count):
            if rate:
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            await publish(0, {"name": str(first + number), "text": TEXT})
            sys.stdout.write(f"{first + number} {time.perf_counter()}\n")


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    asyncio.run(serve(int(numbers[0])) if what == "stage" else fill(*map(int, numbers)))
