"""Pages of those who look after people, departments and accounts."""

from flask import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/admin")
