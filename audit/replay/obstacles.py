"""Why a request cannot, or need not, be sent again."""

from enum import StrEnum


class Obstacle(StrEnum):
    """Each reads as a reason. Append only: they are stored with the items of a batch."""

    PROOF_BROKEN = "its record does not pass its proof"
    NOT_A_REQUEST = "not a request that a client made to the API"
    READS_TRAIL = "it looked at the trail"
    IS_REPLAY = "it is a replay itself"
    SUCCEEDED = "it succeeded"
    SUCCEEDED_LATER = "it succeeded when its Idempotency-Key was sent again"
    REPLAYED = "it succeeded in an earlier replay"
    MOMENTARY = "its answer rested on the moment"
    NEVER_KEPT = "its exact form was not kept"
    OVER_SIZE = "its exact form was not kept: over 64 KB"
    CREDENTIALS = "its exact form was not kept: it holds credentials"
    PAST_TIME = "its exact form is past its time"
    KEY_DESTROYED = "its data key was destroyed"
    CLIENT_GONE = "its client was revoked or is unknown"
    SCOPE_LOST = "its client does not hold the scope that it needs"
    SCOPE_GIVEN = "its client was given the scope since"
    KEY_OF_ANOTHER = "a request outside this replay used its Idempotency-Key first"


# These need not be sent; the others cannot be.
NEEDLESS = frozenset(
    {
        Obstacle.SUCCEEDED,
        Obstacle.SUCCEEDED_LATER,
        Obstacle.REPLAYED,
        Obstacle.MOMENTARY,
        Obstacle.KEY_OF_ANOTHER,
    }
)
