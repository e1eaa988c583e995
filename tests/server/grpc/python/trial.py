"""Speaks to a seglog server as a Python program would: grpcio and the definitions, nothing of ours.

python3 trial.py PROTO_FOLDER HOST:PORT
"""
import sys

import grpc

sys.path.insert(0, sys.argv[1])
log_pb, log_grpc = grpc.protos_and_services("seglog/v1/log_service.proto")
ingest_pb, ingest_grpc = grpc.protos_and_services("seglog/v1/ingestion_service.proto")
record_pb = grpc.protos("seglog/v1/record.proto")
new_pb = grpc.protos("seglog/v1/log_record.proto")
problem_pb = grpc.protos("seglog/v1/problem.proto")

channel = grpc.insecure_channel(sys.argv[2])
log = log_grpc.LogServiceStub(channel)
ingestion = ingest_grpc.IngestionServiceStub(channel)


def check(what, value, expected):
    assert value == expected, f"{what}: {value!r} is not {expected!r}"
    print("ok", what)


def text(value):
    return new_pb.NewRecord(value=value.encode(), type=record_pb.TEXT)


# Its package would hide that of grpcio itself, so its messages are bytes here: SERVING is 1.
health = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", wait_for_ready=True)
check("health", health, b"\x08\x01")

answer = log.Produce(log_pb.ProduceRequest(topic="py", records=[text("привет"), text("b")]))
check("produce", (answer.appended.start, answer.appended.end), (0, 2))

page = log.Consume(log_pb.ConsumeRequest(topic="py"))
check("consume", [r.value.decode() for r in page.records], ["привет", "b"])

stream = log.ProduceStream(
    log_pb.ProduceStreamRequest(id=i, produce=log_pb.ProduceRequest(topic="py", records=[text(str(i))]))
    for i in range(100)
)
check("produce stream", [(a.id, a.appended.start) for a in stream], [(i, i + 2) for i in range(100)])

following = log.ConsumeStream(log_pb.ConsumeStreamRequest(topic="py", follow=True), timeout=30)
seen = []
for message in following:
    seen.extend(record.offset for record in message.records)
    if len(seen) == 102:
        following.cancel()
        break
check("follow", seen, list(range(102)))

batch = ingest_pb.IngestBatchRequest(topic="py", records=[text("x"), new_pb.NewRecord(value=b"y", type=7)])
outcomes = ingestion.IngestBatch(batch)
check("partial success", (outcomes.accepted, outcomes.rejected), (1, 1))
check("its problem", outcomes.outcomes[1].problem.code, "invalid-record")

try:
    log.Consume(log_pb.ConsumeRequest(topic="täglich"))
    raise AssertionError("there is no such topic")
except grpc.RpcError as error:
    check("status", error.code(), grpc.StatusCode.NOT_FOUND)
    check("message", error.details().startswith('Cannot find topic "täglich"'), True)
    trailers = dict(error.trailing_metadata())
    check("details", b"seglog.v1.Problem" in trailers["grpc-status-details-bin"], True)

try:
    log.ConsumeStream(log_pb.ConsumeStreamRequest(topic="py", follow=True,
        **{"from": log_pb.StartPosition(last=0)}), timeout=0.3).next()
    raise AssertionError("nothing comes")
except grpc.RpcError as error:
    check("deadline", error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

zipped = log.Produce(
    log_pb.ProduceRequest(topic="zip", records=[text("z" * 100_000)]),
    compression=grpc.Compression.Gzip,
)
check("gzip", zipped.appended.end, 1)
