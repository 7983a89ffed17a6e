// A keyed table in bounded memory whose final content does not depend on the order or the grouping of its merges.
import { compareText, hashText } from "./hash.js";

const variable = /\d{4}|[0-9a-f]{8}/i;

/** True for names with a run of digits or hexadecimal in them (ids, random suffixes). They fall first when a table overflows. */
export function looksVariable(name: string): boolean {
  return variable.test(name);
}

interface Place {
  readonly variable: boolean;
  readonly hash: number;
  readonly key: string;
}

interface Slot<Entry> {
  entry: Entry;
  readonly place: Place;
}

/** How entries of a table merge and what they weigh. */
export interface EntryRules<Entry> {
  /** Weight of an entry; it depends on what is in the entry alone, and only grows. */
  weigh(entry: Entry): number;
  /** Folds the second into the first. */
  merge(target: Entry, added: Entry): void;
  /** Told of every entry that falls to the bound, to count it elsewhere. */
  onEvict?(entry: Entry, key: string): void;
}

/**
 * Entries in the order of their place (a function of the key alone), up to the longest prefix that weighs no more than the limit. What was
 * evicted once stays out: its place is remembered as the table's horizon. So the content of a table is a function of what was put into it or
 * into the tables merged into it, whatever the order.
 */
export class BoundedTable<Entry> {
  readonly #limit: number;
  readonly #rules: EntryRules<Entry>;
  readonly #slots = new Map<string, Slot<Entry>>();
  #weight = 0;
  #horizon: Place | undefined;

  constructor(limit: number, rules: EntryRules<Entry>) {
    this.#limit = limit;
    this.#rules = rules;
  }

  /**
   * Changes the entry of the key, made first if there is none. An entry beyond the horizon is evicted at once; with `drop`, it is not even made,
   * and the caller counts what is lost.
   */
  update(key: string, make: () => Entry, change: (entry: Entry) => void, drop?: () => void): void {
    const slot = this.#slots.get(key);
    if (slot) {
      const before = this.#rules.weigh(slot.entry);
      change(slot.entry);
      this.#weight += this.#rules.weigh(slot.entry) - before;
    } else {
      this.#insert(key, make, change, drop);
    }
    // Half again as much before sorting, so that sorting is rare.
    if (this.#weight > this.#limit * 1.5) this.#evict();
  }

  /** Folds another table in; the other one is used up. */
  merge(other: BoundedTable<Entry>): void {
    if (other.#horizon) this.#lower(other.#horizon);
    for (const [key, { entry }] of other.#slots) {
      this.update(
        key,
        () => entry,
        (own) => {
          if (own !== entry) this.#rules.merge(own, entry);
        },
      );
    }
  }

  /** All entries within the limit. */
  entries(): Array<[string, Entry]> {
    this.#evict();
    return [...this.#slots].map(([key, { entry }]) => [key, entry]);
  }

  /** True when something fell to the bound. */
  get overflowed(): boolean {
    this.#evict();
    return this.#horizon !== undefined;
  }

  #insert(key: string, make: () => Entry, change: (entry: Entry) => void, drop?: () => void): void {
    const place: Place = { variable: looksVariable(key), hash: hashText(key), key };
    const isBeyond = this.#horizon !== undefined && comparePlaces(place, this.#horizon) >= 0;
    if (isBeyond && drop) {
      drop();
      return;
    }
    const entry = make();
    change(entry);
    if (isBeyond) {
      this.#rules.onEvict?.(entry, key);
      return;
    }
    this.#slots.set(key, { entry, place });
    this.#weight += this.#rules.weigh(entry);
  }

  #evict(): void {
    if (this.#weight <= this.#limit) return;
    let weight = 0;
    for (const slot of [...this.#slots.values()].sort((a, b) => comparePlaces(a.place, b.place))) {
      weight += this.#rules.weigh(slot.entry);
      if (weight > this.#limit) {
        this.#lower(slot.place);
        return;
      }
    }
  }

  #lower(horizon: Place): void {
    if (this.#horizon && comparePlaces(this.#horizon, horizon) <= 0) return;
    this.#horizon = horizon;
    for (const [key, slot] of this.#slots) {
      if (comparePlaces(slot.place, horizon) < 0) continue;
      this.#slots.delete(key);
      this.#weight -= this.#rules.weigh(slot.entry);
      this.#rules.onEvict?.(slot.entry, key);
    }
  }
}

function comparePlaces(a: Place, b: Place): number {
  return Number(a.variable) - Number(b.variable) || a.hash - b.hash || compareText(a.key, b.key);
}
