// What the processes of the measuring rig say to each other.

/** To the relay process. */
export type RelayOrder = { readonly ask: readonly string[] } | { readonly use: true; readonly collect: boolean };

/** From the relay process. */
export type RelayWord =
  | { readonly url: string }
  | { readonly attached: number }
  | { readonly answered: number; readonly milliseconds: number }
  | { readonly usage: Usage };

/** To the clients' process. */
export type ClientsOrder = { readonly attach: ClientsPlan } | { readonly leave: true };

/** From the clients' process. */
export type ClientsWord = { readonly welcomed: number; readonly resumed: number } | { readonly left: true };

export interface ClientsPlan {
  readonly url: string;
  readonly ca: string;
  readonly hostIds: readonly string[];
  readonly concurrency: number;
  readonly answerBytes: number;
}

/** What a process used since it began. */
export interface Usage {
  readonly cpuMicroseconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly attachments: number;
}
