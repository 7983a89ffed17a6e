// What every fault is: whom it hits, what runs may lose by it, how it is done, and how it is undone.
import type { FaultRecord } from "../../history.js";
import type { FaultKind } from "../../schedule/schedule.js";
import type { World } from "../world.js";

export interface Fault {
  readonly kind: FaultKind;
  readonly excuses: FaultRecord["excuses"];
  /** What it hits: a name that only one fault at a time may hit. */
  target(world: World, number: number): string;
  /** Hosts that it can cut off or make fail. */
  hosts(world: World, number: number): readonly string[];
  begin(world: World, number: number): Promise<void>;
  /** Undoes it; resolves when what it hit is back. */
  end(world: World, number: number): Promise<void>;
}

/** The item that a number means. */
export function itemAt<Item>(items: readonly Item[], number: number): Item {
  return items[number % items.length] as Item;
}
