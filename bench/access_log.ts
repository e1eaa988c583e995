/**
 * Lines of a web server's access log, as JSON: real in what repeats and what does not, and the same
 * in every run.
 *
 * @module
 */
import { randomNumbers } from "./values.ts";

const METHODS = ["GET", "GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"];
const STATUSES = [200, 200, 200, 200, 200, 200, 201, 204, 301, 304, 304, 400, 401, 404, 404, 500];
const RESOURCES = [
  "orders",
  "customers",
  "products",
  "invoices",
  "search",
  "sessions",
  "static/app",
  "static/img",
];
const REFERRERS = [
  "-",
  "-",
  "https://shop.example.com/",
  "https://shop.example.com/cart",
  "https://www.google.com/",
];
const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "curl/8.7.1",
  "kube-probe/1.29",
];
const CLIENTS = 5000;
const START_MS = Date.UTC(2026, 0, 15, 9, 30);

/** `count` lines, each as bytes of UTF-8 without its line end. */
export function makeAccessLog(count: number): Uint8Array[] {
  const next = randomNumbers();
  const below = (bound: number) => next() % bound;
  const pick = <T>(items: readonly T[]) => items[below(items.length)]!;
  const encoder = new TextEncoder();
  const clients = Array.from(
    { length: CLIENTS },
    () => `${1 + below(222)}.${below(256)}.${below(256)}.${below(256)}`,
  );
  let nowMs = START_MS;
  return Array.from({ length: count }, () => {
    nowMs += below(20);
    return encoder.encode(JSON.stringify({
      time: new Date(nowMs).toISOString(),
      remote_addr: pick(clients),
      method: pick(METHODS),
      path: `/api/v1/${pick(RESOURCES)}/${below(100_000)}`,
      status: pick(STATUSES),
      bytes_sent: below(40_000),
      request_time: below(2500) / 1000,
      referrer: pick(REFERRERS),
      user_agent: pick(AGENTS),
    }));
  });
}
