"""Three loops by hand, message by message: what is left when there is no framework. The same arguments as the others."""

import json
import os
import sys

import pika
from rows import STAGES, TEXT, connect, feed, keep

PERSISTENT = pika.BasicProperties(delivery_mode=2, content_type="application/json")


def opened():
    channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
    channel.confirm_delivery()  # from here on basic_publish waits, and raises when the broker did not take it
    return channel


def serve(number):
    channel, rows = opened(), connect()
    channel.basic_qos(prefetch_count=50)
    for method, _, body in channel.consume(STAGES[number]):
        message = json.loads(body)
        keep(rows, number, message["name"], message["text"])
        channel.basic_publish("", STAGES[number + 1], body, PERSISTENT, mandatory=True)
        channel.basic_ack(method.delivery_tag)


def publish(channel, name):
    channel.basic_publish("", STAGES[0], json.dumps({"name": name, "text": TEXT}).encode(), PERSISTENT, mandatory=True)


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    if what == "stage":
        serve(int(numbers[0]))
    else:
        channel = opened()
        feed(lambda name: publish(channel, name), *map(int, numbers))
