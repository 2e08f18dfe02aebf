"""Publishes a release: API_TOKEN=… python publish.py https://app.example.com 4.2"""

import os
import sys

import requests

from step_up import Denied, StepUpAdapter

origin, version = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['API_TOKEN']}"
session.mount(origin, StepUpAdapter())
try:
    answer = session.post(f"{origin}/api/publish", data={"version": version})
except Denied as denied:
    sys.exit(f"not approved: {denied}")
answer.raise_for_status()
print(answer.text)
