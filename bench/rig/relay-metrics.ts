// What a relay says of itself to Prometheus.

/** Daemons that this life of the relay has welcomed. */
export async function countAttachments(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const value = /^systems_manager_relay_attachments_total (\d+)$/m.exec(text)?.[1];
  if (value === undefined) throw new Error(`${metricsUrl} does not say how many daemons attached`);
  return Number(value);
}
