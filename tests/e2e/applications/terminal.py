"""Runs a program in a terminal, as a person would: `terminal.py '[["question", "answer"]]' PROGRAM ARGUMENT…`.

Waits for each question in what the program shows, and types the answer. Prints what is shown, as it comes; ends as the program does.
"""

import json
import os
import pty
import select
import sys
import time

talk = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

shown = ""
read_to = 0
until = time.monotonic() + 60
while time.monotonic() < until:
    if talk and talk[0][0] in shown[read_to:]:
        question, answer = talk.pop(0)
        read_to = shown.index(question, read_to) + len(question)
        os.write(terminal, (answer + "\n").encode())
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        more = os.read(terminal, 65536)
    except OSError:  # the program has ended
        break
    if not more:
        break
    text = more.decode(errors="replace")
    print(text, end="", flush=True)
    shown += text
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
print()
if talk:
    sys.exit(f"never asked: {talk}")
sys.exit(os.waitstatus_to_exitcode(status))
