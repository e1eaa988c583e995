/**
 * Certificates for development: an authority, and what it signs. ECDSA on P-256, in PEM.
 *
 * @module
 */
import "./reflection.ts";
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { messageOf, SeglogError } from "../../core/base/errors.ts";

/** A certificate and its private key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** From when to when a certificate counts, in milliseconds since 1970-01-01T00:00Z. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Whom a certificate is for. */
export type Holder =
  | { readonly kind: "server"; readonly hosts: readonly string[] }
  | { readonly kind: "client"; readonly name: string };

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const SERVER_PURPOSE = "1.3.6.1.5.5.7.3.1";
const CLIENT_PURPOSE = "1.3.6.1.5.5.7.3.2";
const SERIAL_BYTES = 16;
/** Nobody goes by it: what a server is called stands beside, with as many names as it has. */
const SERVER_NAME = "seglog server";

/** Who signs certificates. */
export class Authority {
  /** Its own certificate and key. */
  readonly pair: Pair;
  readonly #certificate: x509.X509Certificate;
  readonly #key: CryptoKey;

  private constructor(pair: Pair, certificate: x509.X509Certificate, key: CryptoKey) {
    this.pair = pair;
    this.#certificate = certificate;
    this.#key = key;
  }

  /** A new one. No two have the same name, or clients would take one for the other. */
  static async create({ fromMs, untilMs }: Validity): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: nameOf(`seglog development CA ${randomBytes(4).toString("hex")}`),
      notBefore: new Date(fromMs),
      notAfter: new Date(untilMs),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(await pairOf(certificate, keys.privateKey), certificate, keys.privateKey);
  }

  /** The one that these files hold. @throws {SeglogError} `invalid-argument` when they hold none */
  static async read(pair: Pair): Promise<Authority> {
    try {
      const certificate = new x509.X509Certificate(pair.cert);
      const [bytes] = x509.PemConverter.decode(pair.key);
      const key = await crypto.subtle.importKey("pkcs8", bytes!, ALGORITHM, false, ["sign"]);
      return new Authority(pair, certificate, key);
    } catch (cause) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot sign with this authority: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** A certificate for somebody. It ends with the authority's own at the latest. */
  async issue(holder: Holder, { fromMs, untilMs }: Validity): Promise<Pair> {
    const keys = await newKeys();
    const isServer = holder.kind === "server";
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(),
      issuer: this.#certificate.subjectName,
      subject: nameOf(isServer ? SERVER_NAME : holder.name),
      notBefore: new Date(fromMs),
      notAfter: new Date(Math.min(untilMs, this.#certificate.notAfter.getTime())),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([isServer ? SERVER_PURPOSE : CLIENT_PURPOSE]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        ...isServer ? [new x509.SubjectAlternativeNameExtension(holder.hosts.map(altName))] : [],
      ],
    });
    return await pairOf(certificate, keys.privateKey);
  }
}

function altName(host: string): { type: "ip" | "dns"; value: string } {
  return { type: isIP(host) === 0 ? "dns" : "ip", value: host };
}

/** A subject of one part, whatever its text. */
function nameOf(commonName: string): x509.Name {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }]);
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** Random, and positive in the encoding. */
function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

async function pairOf(certificate: x509.X509Certificate, key: CryptoKey): Promise<Pair> {
  const bytes = await crypto.subtle.exportKey("pkcs8", key);
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${x509.PemConverter.encode(bytes, "PRIVATE KEY")}\n`,
  };
}
