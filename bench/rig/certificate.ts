// A certificate for 127.0.0.1 that is its own authority.
import { join } from "node:path";
import { execa } from "execa";

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes one in this directory. ECDSA P-256, as a fleet would use. */
export async function makeCertificate(directory: string): Promise<CertificateFiles> {
  const files = { cert: join(directory, "cert.pem"), key: join(directory, "key.pem") };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key];
  const subject = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"];
  await execa("openssl", ["req", "-x509", ...key, "-out", files.cert, "-days", "2", ...subject]);
  return files;
}
