"""Verifies a delivery with the reference library of Standard Webhooks: {"secret", "headers", "body"} from standard input."""
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

given = json.load(sys.stdin)
payload = Webhook(given["secret"]).verify(given["body"], given["headers"])
try:
    Webhook(given["secret"]).verify(given["body"].replace("asu_", "asu-"), given["headers"])
except WebhookVerificationError:
    print(payload["eventId"])
else:
    sys.exit("a changed body verified")
