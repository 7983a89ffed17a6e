// How many runs go on at the same time: in all, and for one principal, so that nobody takes everybody's place. A run on many hosts
// counts as several. Whoever has no run may always start one.
import { ErrorReason, failure } from "../../shared/errors.js";

export interface RunLimits {
  /** Of all principals. */
  readonly maxActiveRuns: number;
  readonly maxActiveRunsPerPrincipal: number;
  /** Runs of a principal whose caller was answered while hosts that are away are still to get the command. */
  readonly maxQueuedRunsPerPrincipal: number;
}

/** What the product uses. One principal can ask 2,048 single hosts at once, or 51 times all of 10,000. */
export const defaultRunLimits: RunLimits = {
  maxActiveRuns: 8_192,
  maxActiveRunsPerPrincipal: 2_048,
  maxQueuedRunsPerPrincipal: 64,
};

/** Hosts of a run that count as one run. */
const hostsPerPlace = 250;

/** What a principal has going on. */
interface Share {
  active: number;
  queued: number;
}

/** A run's places. It enters as active, may rest as queued, and leaves. */
export interface Admission {
  /** Its caller was answered and hosts that are away are still waited for. */
  rest(): void;
  leave(): void;
}

export class RunAdmission {
  readonly #limits: RunLimits;
  readonly #shares = new Map<string, Share>();
  #active = 0;

  constructor(limits: RunLimits) {
    this.#limits = limits;
  }

  /** Places taken by runs that go on. */
  get active(): number {
    return this.#active;
  }

  /** Throws BUSY. `willQueue`: the run may stay queued for hosts that are away. */
  enter(principal: string, hosts: number, willQueue: boolean): Admission {
    const { maxActiveRuns, maxActiveRunsPerPrincipal, maxQueuedRunsPerPrincipal } = this.#limits;
    const share = this.#shares.get(principal) ?? { active: 0, queued: 0 };
    const places = Math.ceil(hosts / hostsPerPlace);
    if (share.active > 0 && share.active + places > maxActiveRunsPerPrincipal) {
      throw tooMany("active runs of the principal", maxActiveRunsPerPrincipal, share.active, places);
    }
    if (share.active > 0 && this.#active + places > maxActiveRuns) {
      throw tooMany("active runs", maxActiveRuns, this.#active, places);
    }
    if (willQueue && share.queued >= maxQueuedRunsPerPrincipal) {
      throw tooMany("queued runs of the principal", maxQueuedRunsPerPrincipal, share.queued, 1);
    }
    return this.admit(principal, hosts);
  }

  /** Takes the places without asking: for a run that was admitted in an earlier life of the control plane. */
  admit(principal: string, hosts: number): Admission {
    const share = this.#shares.get(principal) ?? { active: 0, queued: 0 };
    this.#shares.set(principal, share);
    const places = Math.ceil(hosts / hostsPerPlace);
    let state: "active" | "queued" | "gone" = "active";
    const become = (next: typeof state) => {
      if (state === "active") {
        share.active -= places;
        this.#active -= places;
      }
      if (state === "queued") share.queued--;
      state = next;
      if (share.active === 0 && share.queued === 0) this.#shares.delete(principal);
    };
    share.active += places;
    this.#active += places;
    return {
      rest: () => {
        if (state !== "active") return;
        share.queued++;
        become("queued");
      },
      leave: () => become("gone"),
    };
  }
}

function tooMany(queue: string, capacity: number, taken: number, places: number) {
  const message = `the limit of ${capacity} ${queue} is reached: ${taken} are taken and this one needs ${places}`;
  return failure(ErrorReason.BUSY, message, {
    metadata: { queue, capacity: String(capacity) },
    remedy: `wait until one ends, or cancel one; a run counts as one for each ${hostsPerPlace} hosts that it asks`,
  });
}
