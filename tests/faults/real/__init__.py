"""Real faults: four real processes on a real RabbitMQ and PostgreSQL, broken while people use them."""
