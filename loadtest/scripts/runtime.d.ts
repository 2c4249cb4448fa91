// What k6's runtime has beside ECMAScript and what @types/k6 declares. There is no DOM, so none is in `lib`.

interface Console {
  debug(...values: unknown[]): void;
  error(...values: unknown[]): void;
  info(...values: unknown[]): void;
  log(...values: unknown[]): void;
  warn(...values: unknown[]): void;
}

declare const console: Console;

declare function setTimeout(call: () => void, delay_ms?: number): number;
declare function clearTimeout(timer: number): void;
declare function setInterval(call: () => void, delay_ms?: number): number;
declare function clearInterval(timer: number): void;

declare class TextEncoder {
  encode(text?: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label?: string);
  decode(bytes?: ArrayBuffer | Uint8Array): string;
}
