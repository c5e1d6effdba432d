"""`desk train`: train on this installation's corrections, publish what is not worse, list models and go back."""

import getpass
import json
import os
from collections.abc import Mapping
from pathlib import Path

import click

from service import retraining
from service.audit import SYSTEM
from service.clock import utcnow
from service.command import Mistake, at_work, session, speaks_plainly
from service.database import reading, transaction
from service.learning import runs, shelf
from service.learning.runs import TrainingRun
from service.retraining import Outcome
from service.routing.model import shipped_model
from service.trained_models import SHIPPED, TrainedModel

NICENESS = 19
STAGES: Mapping[str, str] = {
    "gathering": "reading corrections",
    "training": "training (some 10 to 40 s)",
    "measuring": "measuring on the fixed part and on the newest corrections",
    "publishing": "putting the model on the shelf",
}
ENDS: Mapping[str, str] = {
    runs.PUBLISHED: "published: in use in all processes within 2 s",
    runs.REFUSED: "refused, the model in use stays",
    runs.SAME: "nothing to publish: the same model is there already",
    runs.SKIPPED: "nothing to learn yet: correct the category of some tickets first",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="train and measure, and store nothing")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), help="write the model to this file too")
@click.option("--list", "listed", is_flag=True, help="JSON lines, one a model, the newest first")
@click.option("--back", metavar="VERSION", help=f"use an earlier model again, or `{SHIPPED}`")
@click.option("--run", "run_id", type=int, hidden=True, help="a run that the worker has begun")
@speaks_plainly
def train(dry_run: bool, file: Path | None, listed: bool, back: str | None, run_id: int | None) -> None:
    """Train the classifier on the corrections of this installation; exit 1 where the result is refused."""
    if sum((dry_run, listed, bool(back), run_id is not None)) > 1 or (file and (listed or back)):
        raise Mistake("choose one of --dry-run, --list, --back; --to goes with training only")
    if listed:
        list_models()
    elif back:
        go_back(back)
    elif run_id is not None:
        os.nice(NICENESS)
        continue_run(run_id)
    else:
        train_now(dry_run=dry_run, file=file)


def list_models() -> None:
    with at_work(), reading() as opened:
        models = shelf.listing(opened)
        there = shelf.with_bytes(opened, [model.version for model in models])
        for model in models:
            click.echo(json.dumps(model_out(model, has_bytes=model.version in there), ensure_ascii=False))
        in_use = not any(model.state == "active" for model in models)
    state = "active" if in_use else "kept"
    click.echo(json.dumps({"version": SHIPPED, "digest": shipped_model().version, "state": state}))


def model_out(model: TrainedModel, *, has_bytes: bool) -> dict[str, object]:
    return {
        "version": model.version,
        "at": model.at.isoformat(timespec="seconds"),
        "by": model.by,
        "state": model.state,
        "because": model.because,
        "examples": model.examples,
        "has_bytes": has_bytes,
    }


def go_back(version: str) -> None:
    with session() as opened:
        shelf.go_back(opened, version, by=SYSTEM, now=utcnow(), because=f"desk train --back ({getpass.getuser()})")
    click.echo(f"{version} is in use in all processes within 2 s")


def continue_run(run_id: int) -> None:
    """What the worker began: nobody reads what is printed, the row has it all."""
    with at_work():
        with reading() as opened:
            run = opened.get(TrainingRun, run_id)
            if run is None or run.state != runs.RUNNING:
                raise Mistake(f"run {run_id} is not under way")
            by = run.by
        retraining.perform(run_id, by=by)


def train_now(*, dry_run: bool, file: Path | None) -> None:
    """Train at once, beside a service that runs."""
    with at_work():
        outcome = retraining.attempted(say=say) if dry_run else performed()
    tried = outcome.attempt
    if tried is not None:
        if file is not None:
            keep(file, tried.raw)
        told = {"version": tried.version, "examples": tried.candidate.examples, **tried.candidate.figures}
        click.echo(json.dumps({"state": outcome.state, "because": outcome.because, **told}, ensure_ascii=False))
    wanted = "would be " if dry_run and outcome.state == runs.PUBLISHED else ""
    click.echo(wanted + ENDS[outcome.state], err=True)
    if outcome.state == runs.REFUSED:
        raise SystemExit(1)


def performed() -> Outcome:
    """A run of our own, unless one is under way: two trainings at once would publish past each other."""
    with transaction() as opened:
        runs.ask(opened, by=SYSTEM, now=utcnow())
        run = runs.claim(opened, now=utcnow())
        run_id = run.id if run else None
    if run_id is None:
        raise Mistake("a training is under way already; `desk train --list` shows what came of it")
    return retraining.perform(run_id, by=SYSTEM, say=say)


def say(stage: str) -> None:
    click.echo(f"{STAGES[stage]} …", err=True)


def keep(file: Path, raw: bytes) -> None:
    try:
        file.write_bytes(raw)
    except OSError as error:
        raise Mistake(f"--to {file}: {error.strerror}") from None
    click.echo(f"wrote {file} ({len(raw):,} bytes)", err=True)
