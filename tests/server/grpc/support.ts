/** What tests of gRPC ask again and again. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createContextValues } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type Backend, Store, type StoreOptions } from "../../../mod.ts";
import { type AppOptions, createService } from "../../../server/app.ts";
import { IngestionService } from "../../../server/grpc/generated/seglog/v1/ingestion_service_pb.js";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
