/**
 * The certificates of a server that the command line runs: new ones are taken on SIGHUP at once.
 *
 * @module
 */
import type { TlsMaterial } from "../../server/tls/tls_material.ts";
import { UsageError } from "../exit.ts";
import type { Io } from "../io.ts";

/** What the flags say of them. */
export interface CertificateFlags {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
}

/**
 * Loads what the flags name; `undefined` where they name nothing.
 *
 * @throws {UsageError} when only a part is named
 * @throws {SeglogError} `invalid-argument` for files that are of no use
 */
export async function loadCertificates(
  { cert, key, clientCa }: CertificateFlags,
  { io, onNotice }: { readonly io: Io; readonly onNotice: (notice: string) => void },
): Promise<Disposable & { readonly material: TlsMaterial } | undefined> {
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new UsageError(
      "TLS needs both --tls-cert FILE and --tls-key FILE; seglog cert makes them for development",
    );
  }
  const { TlsMaterial } = await import("../../server/tls/tls_material.ts");
  const material = await TlsMaterial.load({ cert, key, clientCa }, { onNotice });
  const undo = io.onHangUp(() => void material.reload());
  return {
    material,
    [Symbol.dispose]() {
      undo();
      material.close();
    },
  };
}
