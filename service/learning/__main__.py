"""`python -m service.learning`: trains the model that is shipped, from the shipped messages and rules."""

from importlib import resources
from pathlib import Path

from service.learning.corpus import shipped_examples
from service.learning.trainer import train
from service.routing.classifier import shipped_rows
from service.routing.keywords import keywords_from
from service.routing.model import SHIPPED

if __name__ == "__main__":
    with resources.as_file(resources.files("service.defaults")) as folder:
        raw = train(shipped_examples(), keywords_from(shipped_rows("keywords.json")))
        written = Path(folder, SHIPPED).write_bytes(raw)
    print(f"{SHIPPED}: {written:,} bytes, from {len(shipped_examples()):,} messages")  # noqa: T201
