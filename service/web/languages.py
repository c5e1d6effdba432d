"""Chinese first, English too: by the person's choice, else Chinese."""

from pathlib import Path

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask_babel import Babel
from werkzeug.wrappers import Response

LANGUAGES = {"zh": "中文", "en": "English"}

languages = Blueprint("languages", __name__)
babel = Babel()


def init_app(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(Path(__file__).parent.parent / "translations")
    babel.init_app(app, locale_selector=language, timezone_selector=lambda: str(app.config["SETTINGS"].time_zone))
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)
    app.register_blueprint(languages)


def language() -> str:
    """Code of the language this page is in."""
    chosen = session.get("language", "zh")
    return chosen if chosen in LANGUAGES else "zh"


@languages.post("/language/<code>")
def choose(code: str) -> Response:
    if code in LANGUAGES:
        session["language"] = code
    target = request.form.get("next", "")
    ours = target.startswith("/") and not target.startswith(("//", "/\\"))
    return redirect(target if ours else url_for("desk.queue"))
