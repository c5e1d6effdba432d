"""What answers over HTTP: the webhook, the pages, the API; and what the commands of migrations need."""

from flask import Flask
from flask_migrate import Migrate

from service.channels.wechat.webhook import wechat
from service.database import db
from service.web import (
    admin,
    api,
    api_followers,
    auth,
    breaches_api,
    custody_api,
    desk,
    errors,
    extensions_api,
    health,
    languages,
    notifications_api,
    policies_api,
    portal,
    security,
    statics,
    stream,
    supervision_api,
)

API_PARTS = (
    api_followers,
    supervision_api,
    extensions_api,
    breaches_api,
    policies_api,
    notifications_api,
    custody_api,
)  # each adds endpoints of its own
BLUEPRINTS = (wechat, health.health, auth.auth, api.api, desk.desk, admin.admin, stream.stream, portal.portal)


def init_app(app: Flask) -> None:
    """Put everything into the application."""
    Migrate(app, db, directory=str(errors.HERE / "migrations"))
    for module in (errors, auth, security, languages, statics, desk):
        module.init_app(app)
    security.csrf.exempt(wechat)  # the platform signs instead,
    security.limiter.exempt(wechat)  # and is not limited by address: all its pushes come from a few
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
