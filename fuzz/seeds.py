"""The control texts of the test corpus as seeds of the fuzzer: one file each."""

import hashlib
import json
import pathlib
import sys

corpus, seeds = (pathlib.Path(argument) for argument in sys.argv[1:3])
for file in corpus.glob("*.json"):
    for entry in json.loads(file.read_text(encoding="utf-8")):
        text = entry["text"].encode()
        (seeds / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)
