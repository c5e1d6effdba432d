"""The application object that the web server loads: `granian --interface wsgi service.wsgi:app`."""

import gc

gc.disable()  # what is imported stays, and looking it over on the way is a fifth of the start

import os

from service import create_app
from service.config import Settings

app = create_app(Settings.from_environment(os.environ))
# what is loaded by now stays for ever: the collector need not look at it again in the middle of a request
gc.collect()
gc.freeze()
gc.enable()
