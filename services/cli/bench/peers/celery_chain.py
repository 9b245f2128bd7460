"""Three Celery tasks, each of which keeps a row and calls the next: quorum queues, confirmed publishes, late acknowledgement.

``celery_chain.py stage N`` is the worker of one queue, ``celery_chain.py feed FIRST COUNT RATE`` calls the first task.
"""

import os
import sys

from celery import Celery
from kombu import Exchange, Queue
from rows import STAGES, TEXT, connect, feed, keep

app = Celery("chain", broker=os.environ["AMQP_URL"])
app.conf.update(
    task_queues=[Queue(name, Exchange(name, type="direct"), name, queue_arguments={"x-queue-type": "quorum"}) for name in STAGES[:3]],
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=50,
    worker_hijack_root_logger=False,
)
_rows = None


@app.task(name="chain.stage")
def stage(number, name, text):
    global _rows  # one connection a worker
    _rows = _rows or connect()
    keep(_rows, number, name, text)
    if number < 2:
        stage.apply_async((number + 1, name, text), queue=STAGES[number + 1])
    else:
        with app.producer_pool.acquire(block=True) as producer:
            producer.publish({"name": name, "text": text}, exchange="", routing_key=STAGES[3], delivery_mode=2)


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    if what == "stage":
        worker = ["worker", "--pool", "solo", "--queues", STAGES[int(numbers[0])], "--without-gossip", "--without-mingle"]
        app.worker_main([*worker, "--without-heartbeat", "--loglevel", "error", "--hostname", f"stage{numbers[0]}@bench"])
    else:
        first, count, rate = map(int, numbers)
        feed(lambda name: stage.apply_async((0, name, TEXT), queue=STAGES[0]), first, count, rate)
