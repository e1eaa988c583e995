#!/usr/bin/env python3
"""Reads segments and logs of seglog, format version 1.

Written from core/format/README.md alone, with nothing but Python's standard library, so that the
page is known to be enough. It shares no code with seglog.

    read_segment.py FILE.log         every record in one segment
    read_segment.py FOLDER           the readable records of a log, by its manifest

Prints one line of JSON for each record, bytes as base64:
{"offset": 0, "timestampMs": 0, "type": "text", "key": null, "value": "aGk=", "headers": {}}
A range that cannot be read is a line
{"damage": WHY, "position": P, "start": N, "end": M, "torn": BOOL}, and one that this Python cannot
unpack is {"skipped": CODEC, "start": N, "end": M}. Exit status: 0, also after a torn tail, or 5
after damage, or 3 when something was skipped.
"""

import base64
import json
import os
import struct
import sys
import zlib

try:
    from compression import zstd as zstd_module  # Python 3.14 and later
except ImportError:
    try:
        import zstandard as zstd_module
    except ImportError:
        zstd_module = None

SAFE_MAX = 2**53 - 1
TIMESTAMP_MAX = 2**52 - 1
TYPES = ["bytes", "text", "json"]


class Damage(Exception):
    pass


class Skipped(Exception):
    pass


# --- protobuf, by hand -------------------------------------------------------------------------


def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Damage("a varint is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Damage("a varint is too long")


def fields(data):
    """Yields (number, wire type, content) of a message; content is bytes or an integer."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            content, at = varint(data, at)
        elif wire in (1, 2, 5):
            length = 8 if wire == 1 else 4
            if wire == 2:
                length, at = varint(data, at)
            if length > len(data) - at:
                raise Damage("a field runs past its message")
            content = data[at : at + length]
            at += length
        else:
            raise Damage("wire type %d is not known" % wire)
        yield number, wire, content


def unzigzag(n):
    return n // 2 if n % 2 == 0 else -(n + 1) // 2


def decode_record(message, batch, place):
    key = value = None
    headers = {}
    delta_ms = offset_delta = value_type = 0
    for number, wire, content in fields(message):
        if (number, wire) == (1, 2):
            key = content
        elif (number, wire) == (2, 2):
            value = content
        elif (number, wire) == (3, 2):
            entry = {n: c for n, w, c in fields(content) if w == 2}
            headers[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        elif (number, wire) == (4, 0):
            delta_ms = unzigzag(content)
        elif (number, wire) == (5, 0):
            offset_delta = content
        elif (number, wire) == (6, 0):
            value_type = content
    dense = batch["lastOffsetDelta"] == batch["recordCount"] - 1
    return {
        "offset": batch["baseOffset"] + (place if dense else offset_delta),
        "timestampMs": batch["baseTimestampMs"] + delta_ms,
        "type": TYPES[value_type] if value_type < len(TYPES) else "bytes",
        "key": encode(key),
        "value": encode(value),
        "headers": headers,
    }


def encode(data):
    return None if data is None else base64.b64encode(data).decode()


# --- batches -----------------------------------------------------------------------------------


def batch_header(data, at, salt):
    raw = data[at : at + 64]
    if len(raw) < 64:
        raise Damage("the header is cut off")
    (
        magic,
        header_crc,
        payload_crc,
        payload_length,
        base_offset,
        record_count,
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        durable_up_to,
        epoch,
        attributes,
        reserved,
        uncompressed_length,
    ) = struct.unpack("<4sIIIQIIQQIIHHI", raw)
    if magic != b"SLB\x01":
        raise Damage("the magic is missing")
    if zlib.crc32(raw[8:], salt) != header_crc:
        raise Damage("the header's checksum does not match")
    codec = attributes & 7
    believed = (
        codec <= 2
        and attributes <= 15
        and reserved == 0
        and payload_length <= 33_554_432
        and uncompressed_length <= 67_108_864
        and (codec != 0 or payload_length == uncompressed_length)
        and 1 <= record_count <= 1_000_000
        and last_offset_delta >= record_count - 1
        and base_offset + last_offset_delta + 1 <= SAFE_MAX
        and base_timestamp <= TIMESTAMP_MAX
        and max_timestamp <= TIMESTAMP_MAX
    )
    if not believed:
        raise Damage("the header is out of bounds")
    return {
        "payloadCrc": payload_crc,
        "payloadLength": payload_length,
        "baseOffset": base_offset,
        "recordCount": record_count,
        "lastOffsetDelta": last_offset_delta,
        "baseTimestampMs": base_timestamp,
        "durableUpTo": durable_up_to,
        "epoch": epoch,
        "codec": codec,
        "hasProducer": attributes & 8 != 0,
        "uncompressedLength": uncompressed_length,
        "length": (64 + payload_length + 7) // 8 * 8,
    }


def unpack(stored, batch):
    length = batch["uncompressedLength"]
    try:
        if batch["codec"] == 1:
            payload = zlib.decompressobj(wbits=31).decompress(stored, length + 1)
        elif batch["codec"] == 2:
            if zstd_module is None:
                raise Skipped("zstd")
            payload = zstd_module.ZstdDecompressor().decompress(stored, length + 1)
        else:
            payload = stored
    except (zlib.error, getattr(zstd_module, "ZstdError", zlib.error)) as error:
        raise Damage("the payload does not unpack: %s" % error)
    if len(payload) != length:
        raise Damage("the payload unpacks to another length")
    return payload


def decode_batch(data, at, batch):
    """The records of a batch whose header is believed."""
    stored = data[at + 64 : at + 64 + batch["payloadLength"]]
    if zlib.crc32(stored) != batch["payloadCrc"]:
        raise Damage("the payload's checksum does not match")
    records = []
    producers = 0
    previous = batch["baseOffset"] - 1
    last = batch["baseOffset"] + batch["lastOffsetDelta"]
    for number, wire, content in fields(unpack(stored, batch)):
        if (number, wire) == (2, 2):
            producers += 1
        if (number, wire) != (1, 2):
            continue
        record = decode_record(content, batch, len(records))
        if not previous < record["offset"] <= last:
            raise Damage("offsets do not rise")
        previous = record["offset"]
        records.append(record)
    if len(records) != batch["recordCount"]:
        raise Damage("the record count does not match")
    if batch["hasProducer"] != (producers > 0):
        raise Damage("the producer does not match its bit")
    return records


# --- segments ----------------------------------------------------------------------------------


def segment_header(data):
    if len(data) < 64:
        raise Damage("the segment header is cut off")
    magic, version, salt, base_offset, log_id, created = struct.unpack("<8sIIQ16sQ", data[:48])
    (crc,) = struct.unpack("<I", data[60:64])
    if magic != b"\x89SEGLOG\n":
        raise Damage("the segment magic is missing")
    if zlib.crc32(data[:60]) != crc:
        raise Damage("the segment header's checksum does not match")
    if version != 1:
        sys.exit("format version %d is not known" % version)
    return {"salt": salt, "baseOffset": base_offset, "logId": log_id.hex(), "createdMs": created}


def find_batch(data, position, salt):
    """The first batch behind a position, or None."""
    for at in range(position // 8 * 8 + 8, len(data) - 63, 8):
        try:
            batch = batch_header(data, at, salt)
        except Damage:
            continue
        return at, batch
    return None


def watermark(data, position, salt):
    """The largest durableUpTo of the headers behind a position."""
    best = 0
    found = find_batch(data, position, salt)
    while found is not None:
        best = max(best, found[1]["durableUpTo"])
        found = find_batch(data, found[0], salt)
    return best


def is_unused(data, position):
    """Whether the segment goes on with nothing but space that was taken ahead."""
    rest = data[position:]
    return rest == (b"(unused)" * (len(rest) // 8 + 1))[: len(rest)]


def walk(data, durable=0):
    """Yields records, and dictionaries for what cannot be read.

    Bytes below `durable` are known to have been synced: no crash explains damage there.
    """
    header = segment_header(data)
    salt = header["salt"]
    position, expected, epoch = 64, header["baseOffset"], 0
    while position < len(data):
        try:
            batch = batch_header(data, position, salt)
            if position + batch["length"] > len(data):
                raise Damage("the batch is cut off")
            if batch["baseOffset"] != expected or batch["epoch"] < epoch:
                raise Damage("the batch is not the one that comes next")
            yield from decode_batch(data, position, batch)
        except Skipped as skipped:
            yield {"skipped": str(skipped), **range_of(batch)}
        except Damage as damage:
            if is_unused(data, position):
                return
            found = find_batch(data, position, salt)
            durable = max(durable, watermark(data, position, salt))
            end = None if found is None else found[1]["baseOffset"]
            line = {"damage": str(damage), "position": position, "start": expected, "end": end}
            yield {**line, "torn": found is None and position >= durable}
            if found is None:
                return
            position, batch = found
            expected, epoch = batch["baseOffset"], batch["epoch"]
            continue
        durable = max(durable, batch["durableUpTo"])
        expected = batch["baseOffset"] + batch["lastOffsetDelta"] + 1
        epoch = batch["epoch"]
        position += batch["length"]


def range_of(batch):
    start = batch["baseOffset"]
    return {"start": start, "end": start + batch["lastOffsetDelta"] + 1}


# --- logs --------------------------------------------------------------------------------------


def checked_document(path, kind):
    with open(path, "rb") as file:
        raw = file.read()
    document = json.loads(raw)
    if document["seglog"] != kind or document["version"] != 1:
        sys.exit("%s is not a %s of version 1" % (path, kind))
    body = raw[raw.index(b'"body":') + 7 : raw.rindex(b"}")]
    if "%08x" % zlib.crc32(body) != document["crc32"]:
        sys.exit("%s: the checksum does not match" % path)
    return document["body"]


def read_log(folder):
    manifest = checked_document(os.path.join(folder, "partition.json"), "partition")
    sizes = {entry["baseOffset"]: entry["bytes"] for entry in manifest["sealed"]}
    names = {entry["baseOffset"]: segment_name(entry) for entry in manifest["sealed"]}
    active = manifest["activeBaseOffset"]
    names[active] = segment_name({"baseOffset": active})
    for base, name in names.items():
        if not os.path.exists(os.path.join(folder, name)):
            sys.exit("segment %s is missing" % name)
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        if len(data) < sizes.get(base, 0):
            sys.exit("segment %d is shorter than the manifest says" % base)
        data = data[: sizes.get(base)]
        header = segment_header(data)
        if header["logId"] != manifest["logId"] or header["baseOffset"] != base:
            sys.exit("segment %d is another log's" % base)
        clean = manifest["clean"] or {"bytes": 0}
        for item in walk(data, sizes.get(base, clean["bytes"])):
            if "offset" not in item or is_readable(item["offset"], manifest):
                yield item


def segment_name(entry):
    generation = entry.get("generation", 0)
    return "%020d%s.log" % (entry["baseOffset"], ".%d" % generation if generation else "")


def is_readable(offset, manifest):
    if offset < manifest["logStartOffset"]:
        return False
    absent = manifest["gaps"] + manifest.get("lost", [])
    return not any(gap["start"] <= offset < gap["end"] for gap in absent)


def main(path):
    if os.path.isdir(path):
        items = read_log(path)
    else:
        with open(path, "rb") as file:
            items = walk(file.read())
    status = 0
    for item in items:
        print(json.dumps(item, ensure_ascii=False))
        if "skipped" in item and status == 0:
            status = 3
        if "damage" in item and not item["torn"]:
            status = 5
    return status


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
