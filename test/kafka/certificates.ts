// A certificate authority, a broker and a client, for mTLS listeners.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** PEM texts. */
export interface Certificates {
  readonly ca: string;
  /** What a client shows. */
  readonly cert: string;
  readonly key: string;
  /** Files for brokers. */
  readonly ofBrokers: { readonly certificates: { readonly keyStore: string; readonly trustStore: string } };
}

/** Makes them in this directory. */
export async function createCertificates(directory: string): Promise<Certificates> {
  const openssl = (...args: string[]) => execa("openssl", args, { cwd: directory });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await openssl("req", "-x509", ...key, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt");
  for (const name of ["broker", "client"]) {
    const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE"];
    await openssl("req", "-x509", ...key, ...subject, ...signed, "-keyout", `${name}.key`, "-out", `${name}.crt`);
  }
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  const keyStore = join(directory, "broker.pem");
  writeFileSync(keyStore, read("broker.key") + read("broker.crt"));
  return {
    ca: read("ca.crt"),
    cert: read("client.crt"),
    key: read("client.key"),
    ofBrokers: { certificates: { keyStore, trustStore: join(directory, "ca.crt") } },
  };
}
