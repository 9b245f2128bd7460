"""An example of what is sent to each route and answered, for the OpenAPI document."""

import json
from pathlib import Path

from shared.openapi import Examples

# A route without one fails a test.
EXAMPLES: Examples = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
