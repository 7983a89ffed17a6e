// Ports below those that the system gives to whoever asks for any: nobody else on this machine has one of them, nor what is left of
// an earlier connection.
const portsOfRun = 100;

/** Gives one after the other, from a hundred of the four thousand behind the first. */
export function ownPorts(first: number): () => number {
  let next = first + (process.pid % 40) * portsOfRun;
  return () => next++;
}
