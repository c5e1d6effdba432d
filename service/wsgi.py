"""The application object that the web server loads: `granian --interface wsgi service.wsgi:app`."""

import os

from service import create_app
from service.config import Settings

app = create_app(Settings.from_environment(os.environ))
