"""Print the proof that one record was sealed."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import keys
from audit.proof import receipts
from audit.proof.receipts import NoReceipt


class Command(BaseCommand):
    help = "Print a receipt for one record; examples/verify_receipt.py checks it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("record_id", type=UUID, help="the X-Request-ID of the answer")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            receipt = receipts.receipt_of(options["record_id"], trusted=keys.public_keys())
        except NoReceipt as error:
            raise CommandError(str(error)) from error
        return json.dumps(receipt.as_json(), indent=1)
