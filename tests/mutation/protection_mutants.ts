/** Mutants of what keeps others out: TLS, certificates, exposure, hosts and origins. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const CALLERS = ["tests/server/access/callers_test.ts"];
const EXPOSURE = ["tests/server/access/exposure_test.ts"];
const TLS = ["tests/server/tls/tls_test.ts"];
const CLIENTS = ["tests/server/tls/client_certificates_test.ts"];
const MATERIAL = ["tests/server/tls/material_test.ts"];
const NAMES = ["tests/server/tls/distinguished_name_test.ts"];
const CLIENT = ["tests/client/tls_test.ts"];

export const PROTECTION_MUTANTS: readonly Mutant[] = [
  ...of(
    "server/access/callers.ts",
    CALLERS,
    [
      "a foreign host is refused",
      "if (host !== undefined && !isOwnHost(rules, host)) {",
      "if (host !== undefined && !isOwnHost(rules, host) && origin !== undefined) {",
    ],
    [
      "a page of another port is another page",
      "new URL(asked).host === page;",
      "new URL(asked).hostname === new URL(origin).hostname;",
    ],
    [
      "only documents are opened by a link from elsewhere",
      '&& destination === "document");',
      "&& destination !== undefined);",
    ],
    [
      "names below an allowed one are not allowed with it",
      'return allowed.startsWith("*.") && name.length >= allowed.length &&\n    ',
      "return ",
    ],
  ),
  ...of(
    "server/access/cors.ts",
    CALLERS,
    [
      "an origin that is not allowed gets no permission",
      "if (!isAllowedOrigin(rules, origin)) return undefined;",
      "",
    ],
    [
      "answers to different origins are kept apart",
      'const vary = { "vary": "Origin" };',
      "const vary = {};",
    ],
  ),
  ...of(
    "server/app.ts",
    CALLERS,
    [
      "every route looks at who calls",
      "    checkCaller(services.callers, callerFacts(asked));\n",
      "",
    ],
  ),
  ...of(
    "server/access/exposure.ts",
    EXPOSURE,
    [
      "tokens without TLS do not protect",
      "if (hasTls && hasCredentials) return undefined;",
      "if (hasCredentials) return undefined;",
    ],
    [
      "TLS without tokens does not protect",
      "if (hasTls && hasCredentials) return undefined;",
      "if (hasTls) return undefined;",
    ],
    [
      "a name of which one address is reached by others is reached by others",
      "addresses.length > 0 && addresses.every(isLoopback)",
      "addresses.some(isLoopback)",
    ],
  ),
  ...of(
    "server/tls/peer.ts",
    CLIENTS,
    [
      "a certificate that was not verified is nobody's",
      "if (secure.authorized !== true) throw refusal(reasonOf(secure.authorizationError));",
      "",
    ],
    [
      "a certificate ends during a connection",
      'if (nowMs > peer.validUntilMs) throw refusal("it has expired");',
      "",
    ],
  ),
  ...of(
    "server/tls/distinguished_name.ts",
    CLIENTS,
    [
      "marks within a name are escaped",
      '.replace(/["+,;<>\\\\]/g, "\\\\$&")',
      '.replace(/["+;<>\\\\]/g, "\\\\$&")',
    ],
    [
      "what is no text is written as bytes",
      "TEXTS.includes(value.tag) && isValidUtf8(value.content)",
      "isValidUtf8(value.content)",
      NAMES,
    ],
    [
      "a length past the end is refused",
      "if (!(at + length <= bytes.length)) throw noCertificate();",
      "",
      NAMES,
    ],
  ),
  ...of(
    "server/tls/tls_files.ts",
    MATERIAL,
    [
      "a key belongs to its certificate",
      "if (!own!.checkPrivateKey(privateKeyOf(content.key, files.key))) {",
      "if (privateKeyOf(content.key, files.key) === undefined) {",
    ],
  ),
  ...of(
    "server/tls/tls_material.ts",
    TLS,
    ["no version before TLS 1.3", 'minVersion: "TLSv1.3",\n      requestCert', "requestCert"],
    [
      "a broken pair is told of once",
      "if (refused !== this.#refused) {",
      "if (refused !== undefined) {",
      MATERIAL,
    ],
  ),
  ...of(
    "server/tls/secure_front.ts",
    TLS,
    [
      "a slow handshake loses its place",
      "if (this.#connections >= this.#parts.connectionsMax) this.#front.giveUpOldest();",
      "",
    ],
  ),
  ...of(
    "server/tls/tls_front.ts",
    TLS,
    [
      "a stop ends handshakes",
      "for (const socket of this.#unfinished.values()) socket.destroy();",
      "",
    ],
  ),
  ...of(
    "server/tls/quiet_sockets.ts",
    TLS,
    [
      "a request under way is not idle",
      "if (left === 0) wait(socket, idleMs",
      "if (left >= 0) wait(socket, idleMs",
    ],
  ),
  ...of(
    "client/https_fetch.ts",
    CLIENT,
    [
      "what is given up ends its request",
      'signal?.addEventListener("abort", abort, { once: true });',
      "",
    ],
  ),
  ...of(
    "client/transport.ts",
    CLIENT,
    [
      "a server that is not trusted is not asked again",
      "if (distrust !== undefined) throw cannotTrust(this.#base, distrust, error);",
      "",
    ],
  ),
];
