"""What schemathesis sends where a video is asked for: the first bytes of each container, then anything."""

import schemathesis
from hypothesis import strategies

FIRST_BYTES = {
    "video/mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42",
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ",
    "video/webm": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
    "video/x-msvideo": b"RIFF\x24\x00\x00\x00AVI LIST",
}

for media_type, beginning in FIRST_BYTES.items():
    rest = strategies.binary(max_size=512)
    schemathesis.openapi.media_type(media_type, rest.map(lambda rest, beginning=beginning: beginning + rest))
