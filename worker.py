"""`python worker.py [QUEUE …]` runs jobs, all queues by default; `python worker.py cron` rings the periodic ones."""

import gc

gc.disable()  # what is imported stays, and looking it over on the way is a fifth of the start

import logging
import os
import signal
import sys
import threading
from types import FrameType

from flask import Flask
from redis import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job

from service import create_app
from service.config import ConfigError, Settings
from service.doorbell import QUEUES, Doorbell
from service.jobs import PERIODIC

NICENESS = 19  # a webhook has to answer at once; classification catches up when a burst is over
TICK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0  # before Redis is asked again


class AppWorker(SimpleWorker):
    """Runs jobs in this very process, inside the application's context; a job is rows, so dying is safe."""

    app: Flask

    def perform_job(self, job: Job, queue: Queue) -> bool:
        with self.app.app_context():
            return bool(super().perform_job(job, queue))


def work(app: Flask, names: list[str], stopped: threading.Event) -> None:
    """Take jobs until told to stop; outlives a Redis that goes away or is emptied."""
    bell: Doorbell = app.extensions["doorbell"]
    AppWorker.app = app
    while not stopped.is_set():
        try:
            worker = AppWorker([bell.queues[name] for name in names], connection=bell.redis)
            worker.work(logging_level="WARNING")
            return  # a signal ended it
        except (RedisError, OSError) as error:
            logging.getLogger("service").warning("no Redis: %s", error)
            stopped.wait(PATIENCE_SECONDS)


def ring_periodically(app: Flask, stopped: threading.Event) -> None:
    """Ring each periodic job when its time has come. Two of these do no harm: rings coalesce, jobs claim rows."""
    bell: Doorbell = app.extensions["doorbell"]
    ticks = 0
    while not stopped.wait(TICK_SECONDS):
        ticks += 1
        for job, seconds in PERIODIC.items():
            if ticks % round(seconds / TICK_SECONDS) == 0:
                bell.ring(job)
        if ticks % 10 == 0:
            bell.seen("cron")


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app = create_app(Settings.from_environment(os.environ), serves=False)
    except ConfigError as error:
        sys.exit(" ".join(error.mistakes))
    gc.freeze()
    gc.enable()
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    arguments = sys.argv[1:]
    if arguments == ["cron"]:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        ring_periodically(app, stopped)
    elif unknown := set(arguments) - set(QUEUES):
        sys.exit(f"worker: unknown queue {', '.join(sorted(unknown))}; use {', '.join(QUEUES)}, or cron")
    else:
        if "delivery" not in (arguments or QUEUES):
            os.nice(NICENESS)
        work(app, arguments or list(QUEUES), stopped)


if __name__ == "__main__":
    main()
