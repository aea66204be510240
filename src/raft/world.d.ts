/** The whole world that the core may use: values and pure functions, and nothing that asks for the time, chance, or the outside. */

// The project of this folder is compiled without any library of TypeScript's own, so what is not declared here does not
// exist for the core. Promises are left out too: the core is synchronous. Rarely used members may be added as long as
// equal arguments give equal answers on every machine (no locale, no time zone, no garbage collection to observe).

declare const NaN: number;
declare const Infinity: number;

// Utility types.

type PropertyKey = string | number | symbol;
type Partial<Type> = { [Key in keyof Type]?: Type[Key] };
type Required<Type> = { [Key in keyof Type]-?: Type[Key] };
type Readonly<Type> = { readonly [Key in keyof Type]: Type[Key] };
type Pick<Type, Keys extends keyof Type> = { [Key in Keys]: Type[Key] };
type Record<Keys extends PropertyKey, Value> = { [Key in Keys]: Value };
type Exclude<Union, Excluded> = Union extends Excluded ? never : Union;
type Extract<Union, Wanted> = Union extends Wanted ? Union : never;
type Omit<Type, Keys extends PropertyKey> = Pick<Type, Exclude<keyof Type, Keys>>;
type NonNullable<Type> = Type & {};
type Parameters<Callable extends (...parameters: never) => unknown> = Callable extends (
  ...parameters: infer List
) => unknown
  ? List
  : never;
type ReturnType<Callable extends (...parameters: never) => unknown> = Callable extends (
  ...parameters: never
) => infer Result
  ? Result
  : never;
type ConstructorParameters<Class extends abstract new (...parameters: never) => unknown> = Class extends abstract new (
  ...parameters: infer List
) => unknown
  ? List
  : never;
type InstanceType<Class extends abstract new (...parameters: never) => unknown> = Class extends abstract new (
  ...parameters: never
) => infer Instance
  ? Instance
  : never;
type NoInfer<Type> = intrinsic;
type Uppercase<Text extends string> = intrinsic;
type Lowercase<Text extends string> = intrinsic;
type Capitalize<Text extends string> = intrinsic;
type Uncapitalize<Text extends string> = intrinsic;

// The iteration protocol.

interface IteratorYieldResult<Item> {
  done?: false;
  value: Item;
}
interface IteratorReturnResult<Result> {
  done: true;
  value: Result;
}
type IteratorResult<Item, Result = undefined> = IteratorYieldResult<Item> | IteratorReturnResult<Result>;
type BuiltinIteratorReturn = intrinsic;
// As in TypeScript's own library, the result of a walk is `any` unless said: few walks have one, and `unknown` would ask
// every generator for it.
/* oxlint-disable typescript/no-explicit-any */
interface Iterator<Item, Result = any, Sent = undefined> {
  next(...sent: [] | [Sent]): IteratorResult<Item, Result>;
  return?(value?: Result): IteratorResult<Item, Result>;
  throw?(error?: unknown): IteratorResult<Item, Result>;
}
interface Iterable<Item, Result = any, Sent = undefined> {
  [Symbol.iterator](): Iterator<Item, Result, Sent>;
}
interface IterableIterator<Item, Result = any, Sent = undefined> extends Iterator<Item, Result, Sent> {
  [Symbol.iterator](): IterableIterator<Item, Result, Sent>;
}
/* oxlint-enable typescript/no-explicit-any */
interface IteratorObject<Item, Result = unknown, Sent = undefined> extends Iterator<Item, Result, Sent> {
  [Symbol.iterator](): IteratorObject<Item, Result, Sent>;
}
interface ArrayIterator<Item> extends IteratorObject<Item, undefined> {
  [Symbol.iterator](): ArrayIterator<Item>;
}
interface MapIterator<Item> extends IteratorObject<Item, undefined> {
  [Symbol.iterator](): MapIterator<Item>;
}
interface SetIterator<Item> extends IteratorObject<Item, undefined> {
  [Symbol.iterator](): SetIterator<Item>;
}
interface StringIterator<Item> extends IteratorObject<Item, undefined> {
  [Symbol.iterator](): StringIterator<Item>;
}
interface Generator<Item = unknown, Result = unknown, Sent = unknown> extends IteratorObject<Item, Result, Sent> {
  next(...sent: [] | [Sent]): IteratorResult<Item, Result>;
  return(value: Result): IteratorResult<Item, Result>;
  throw(error: unknown): IteratorResult<Item, Result>;
  [Symbol.iterator](): Generator<Item, Result, Sent>;
}

// Symbols, objects and functions.

interface Symbol {
  readonly description: string | undefined;
  toString(): string;
}
declare const Symbol: {
  (description?: string): symbol;
  readonly iterator: unique symbol;
  readonly toStringTag: unique symbol;
};

interface Object {
  toString(): string;
}
declare const Object: {
  keys(object: object): string[];
  values<Value>(object: Readonly<Record<string, Value>> | ArrayLike<Value>): Value[];
  values(object: object): unknown[];
  entries<Value>(object: Readonly<Record<string, Value>> | ArrayLike<Value>): [string, Value][];
  entries(object: object): [string, unknown][];
  fromEntries<Value>(entries: Iterable<readonly [PropertyKey, Value]>): { [key: string]: Value };
  assign<Target extends object, Source>(target: Target, source: Source): Target & Source;
  assign<Target extends object, First, Second>(target: Target, first: First, second: Second): Target & First & Second;
  freeze<Type>(value: Type): Readonly<Type>;
  isFrozen(value: unknown): boolean;
  is(first: unknown, second: unknown): boolean;
  hasOwn(object: object, key: PropertyKey): boolean;
  groupBy<Key extends PropertyKey, Item>(
    items: Iterable<Item>,
    key: (item: Item, position: number) => Key,
  ): Partial<Record<Key, Item[]>>;
};

interface Function {
  readonly name: string;
  readonly length: number;
}
interface CallableFunction extends Function {
  call<This, List extends unknown[], Result>(
    this: (this: This, ...parameters: List) => Result,
    self: This,
    ...parameters: List
  ): Result;
  bind<Bound>(this: Bound, self: ThisParameterType<Bound>): OmitThisParameter<Bound>;
}
interface NewableFunction extends Function {}
interface IArguments {
  readonly length: number;
  [position: number]: unknown;
}
type ThisParameterType<Callable> = Callable extends (this: infer This, ...parameters: never) => unknown
  ? This
  : unknown;
type OmitThisParameter<Callable> =
  unknown extends ThisParameterType<Callable>
    ? Callable
    : Callable extends (...parameters: infer List) => infer Result
      ? (...parameters: List) => Result
      : Callable;

// Booleans, numbers, text.

interface Boolean {
  valueOf(): boolean;
}
declare const Boolean: (value?: unknown) => boolean;

interface Number {
  toString(radix?: number): string;
  toFixed(digits?: number): string;
  valueOf(): number;
}
declare const Number: {
  (value?: unknown): number;
  readonly EPSILON: number;
  readonly MAX_SAFE_INTEGER: number;
  readonly MIN_SAFE_INTEGER: number;
  readonly MAX_VALUE: number;
  readonly MIN_VALUE: number;
  readonly NaN: number;
  readonly NEGATIVE_INFINITY: number;
  readonly POSITIVE_INFINITY: number;
  isFinite(value: unknown): boolean;
  isInteger(value: unknown): boolean;
  isNaN(value: unknown): boolean;
  isSafeInteger(value: unknown): boolean;
  parseFloat(text: string): number;
  parseInt(text: string, radix?: number): number;
};

interface Math {
  readonly E: number;
  readonly PI: number;
  abs(x: number): number;
  cbrt(x: number): number;
  ceil(x: number): number;
  clz32(x: number): number;
  exp(x: number): number;
  floor(x: number): number;
  fround(x: number): number;
  hypot(...numbers: number[]): number;
  imul(x: number, y: number): number;
  log(x: number): number;
  log2(x: number): number;
  log10(x: number): number;
  max(...numbers: number[]): number;
  min(...numbers: number[]): number;
  pow(base: number, exponent: number): number;
  round(x: number): number;
  sign(x: number): number;
  sqrt(x: number): number;
  trunc(x: number): number;
}
declare const Math: Math;

interface String {
  readonly length: number;
  readonly [position: number]: string;
  at(position: number): string | undefined;
  charAt(position: number): string;
  charCodeAt(position: number): number;
  codePointAt(position: number): number | undefined;
  concat(...texts: string[]): string;
  endsWith(part: string, end?: number): boolean;
  includes(part: string, from?: number): boolean;
  indexOf(part: string, from?: number): number;
  lastIndexOf(part: string, from?: number): number;
  padEnd(length: number, filler?: string): string;
  padStart(length: number, filler?: string): string;
  repeat(count: number): string;
  replace(part: string | RegExp, replacement: string): string;
  replaceAll(part: string | RegExp, replacement: string): string;
  slice(from?: number, to?: number): string;
  split(separator: string | RegExp, limit?: number): string[];
  startsWith(part: string, from?: number): boolean;
  substring(from: number, to?: number): string;
  toLowerCase(): string;
  toString(): string;
  toUpperCase(): string;
  trim(): string;
  trimEnd(): string;
  trimStart(): string;
  valueOf(): string;
  [Symbol.iterator](): StringIterator<string>;
}
declare const String: {
  (value?: unknown): string;
  fromCharCode(...codes: number[]): string;
  fromCodePoint(...codes: number[]): string;
};
interface TemplateStringsArray extends ReadonlyArray<string> {
  readonly raw: readonly string[];
}

interface RegExp {
  readonly source: string;
  exec(text: string): RegExpExecArray | null;
  test(text: string): boolean;
}
interface RegExpExecArray extends Array<string> {
  readonly index: number;
  readonly groups?: Record<string, string>;
}

declare const JSON: {
  parse(text: string): unknown;
  stringify(value: unknown, replacer?: readonly string[] | null, indent?: string | number): string;
};

// Arrays.

interface ArrayLike<Item> {
  readonly length: number;
  readonly [position: number]: Item;
}

interface ReadonlyArray<Item> {
  readonly length: number;
  readonly [position: number]: Item;
  at(position: number): Item | undefined;
  concat(...others: (Item | readonly Item[])[]): Item[];
  entries(): ArrayIterator<[number, Item]>;
  every<Kind extends Item>(
    test: (item: Item, position: number, list: readonly Item[]) => item is Kind,
  ): this is readonly Kind[];
  every(test: (item: Item, position: number, list: readonly Item[]) => unknown): boolean;
  filter<Kind extends Item>(test: (item: Item, position: number, list: readonly Item[]) => item is Kind): Kind[];
  filter(test: (item: Item, position: number, list: readonly Item[]) => unknown): Item[];
  find<Kind extends Item>(
    test: (item: Item, position: number, list: readonly Item[]) => item is Kind,
  ): Kind | undefined;
  find(test: (item: Item, position: number, list: readonly Item[]) => unknown): Item | undefined;
  findIndex(test: (item: Item, position: number, list: readonly Item[]) => unknown): number;
  findLast<Kind extends Item>(
    test: (item: Item, position: number, list: readonly Item[]) => item is Kind,
  ): Kind | undefined;
  findLast(test: (item: Item, position: number, list: readonly Item[]) => unknown): Item | undefined;
  findLastIndex(test: (item: Item, position: number, list: readonly Item[]) => unknown): number;
  flat<Inner>(this: readonly (readonly Inner[])[]): Inner[];
  flatMap<Result>(change: (item: Item, position: number) => Result | readonly Result[]): Result[];
  forEach(visit: (item: Item, position: number, list: readonly Item[]) => void): void;
  includes(item: Item, from?: number): boolean;
  indexOf(item: Item, from?: number): number;
  join(separator?: string): string;
  keys(): ArrayIterator<number>;
  lastIndexOf(item: Item, from?: number): number;
  map<Result>(change: (item: Item, position: number, list: readonly Item[]) => Result): Result[];
  reduce(fold: (total: Item, item: Item, position: number) => Item): Item;
  reduce<Total>(fold: (total: Total, item: Item, position: number) => Total, start: Total): Total;
  reduceRight<Total>(fold: (total: Total, item: Item, position: number) => Total, start: Total): Total;
  slice(from?: number, to?: number): Item[];
  some(test: (item: Item, position: number, list: readonly Item[]) => unknown): boolean;
  toReversed(): Item[];
  toSorted(compare?: (first: Item, second: Item) => number): Item[];
  toSpliced(from: number, removed: number, ...added: Item[]): Item[];
  values(): ArrayIterator<Item>;
  with(position: number, item: Item): Item[];
  [Symbol.iterator](): ArrayIterator<Item>;
}

interface Array<Item> {
  length: number;
  [position: number]: Item;
  at(position: number): Item | undefined;
  concat(...others: (Item | readonly Item[])[]): Item[];
  copyWithin(target: number, from: number, to?: number): this;
  entries(): ArrayIterator<[number, Item]>;
  every<Kind extends Item>(test: (item: Item, position: number, list: Item[]) => item is Kind): this is Kind[];
  every(test: (item: Item, position: number, list: Item[]) => unknown): boolean;
  fill(item: Item, from?: number, to?: number): this;
  filter<Kind extends Item>(test: (item: Item, position: number, list: Item[]) => item is Kind): Kind[];
  filter(test: (item: Item, position: number, list: Item[]) => unknown): Item[];
  find<Kind extends Item>(test: (item: Item, position: number, list: Item[]) => item is Kind): Kind | undefined;
  find(test: (item: Item, position: number, list: Item[]) => unknown): Item | undefined;
  findIndex(test: (item: Item, position: number, list: Item[]) => unknown): number;
  findLast<Kind extends Item>(test: (item: Item, position: number, list: Item[]) => item is Kind): Kind | undefined;
  findLast(test: (item: Item, position: number, list: Item[]) => unknown): Item | undefined;
  findLastIndex(test: (item: Item, position: number, list: Item[]) => unknown): number;
  flat<Inner>(this: readonly (readonly Inner[])[]): Inner[];
  flatMap<Result>(change: (item: Item, position: number) => Result | readonly Result[]): Result[];
  forEach(visit: (item: Item, position: number, list: Item[]) => void): void;
  includes(item: Item, from?: number): boolean;
  indexOf(item: Item, from?: number): number;
  join(separator?: string): string;
  keys(): ArrayIterator<number>;
  lastIndexOf(item: Item, from?: number): number;
  map<Result>(change: (item: Item, position: number, list: Item[]) => Result): Result[];
  pop(): Item | undefined;
  push(...items: Item[]): number;
  reduce(fold: (total: Item, item: Item, position: number) => Item): Item;
  reduce<Total>(fold: (total: Total, item: Item, position: number) => Total, start: Total): Total;
  reduceRight<Total>(fold: (total: Total, item: Item, position: number) => Total, start: Total): Total;
  reverse(): Item[];
  shift(): Item | undefined;
  slice(from?: number, to?: number): Item[];
  some(test: (item: Item, position: number, list: Item[]) => unknown): boolean;
  sort(compare?: (first: Item, second: Item) => number): this;
  splice(from: number, removed?: number, ...added: Item[]): Item[];
  toReversed(): Item[];
  toSorted(compare?: (first: Item, second: Item) => number): Item[];
  toSpliced(from: number, removed: number, ...added: Item[]): Item[];
  unshift(...items: Item[]): number;
  values(): ArrayIterator<Item>;
  with(position: number, item: Item): Item[];
  [Symbol.iterator](): ArrayIterator<Item>;
}
declare const Array: {
  new <Item>(length?: number): Item[];
  from<Item>(items: Iterable<Item> | ArrayLike<Item>): Item[];
  from<Item, Result>(
    items: Iterable<Item> | ArrayLike<Item>,
    change: (item: Item, position: number) => Result,
  ): Result[];
  isArray(value: unknown): value is unknown[];
  of<Item>(...items: Item[]): Item[];
};

// Maps and sets.

interface ReadonlyMap<Key, Value> {
  readonly size: number;
  entries(): MapIterator<[Key, Value]>;
  forEach(visit: (value: Value, key: Key) => void): void;
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  keys(): MapIterator<Key>;
  values(): MapIterator<Value>;
  [Symbol.iterator](): MapIterator<[Key, Value]>;
}
interface Map<Key, Value> extends ReadonlyMap<Key, Value> {
  clear(): void;
  delete(key: Key): boolean;
  set(key: Key, value: Value): this;
}
declare const Map: {
  new <Key, Value>(entries?: Iterable<readonly [Key, Value]> | null): Map<Key, Value>;
  groupBy<Key, Item>(items: Iterable<Item>, key: (item: Item, position: number) => Key): Map<Key, Item[]>;
};

interface ReadonlySet<Item> {
  readonly size: number;
  entries(): SetIterator<[Item, Item]>;
  forEach(visit: (item: Item) => void): void;
  has(item: Item): boolean;
  keys(): SetIterator<Item>;
  values(): SetIterator<Item>;
  [Symbol.iterator](): SetIterator<Item>;
}
interface Set<Item> extends ReadonlySet<Item> {
  add(item: Item): this;
  clear(): void;
  delete(item: Item): boolean;
}
declare const Set: new <Item>(items?: Iterable<Item> | null) => Set<Item>;

interface WeakMap<Key extends object, Value> {
  delete(key: Key): boolean;
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  set(key: Key, value: Value): this;
}
declare const WeakMap: new <Key extends object, Value>() => WeakMap<Key, Value>;

// Bytes.

interface ArrayBuffer {
  readonly byteLength: number;
  readonly [Symbol.toStringTag]: "ArrayBuffer";
  slice(from?: number, to?: number): ArrayBuffer;
}
declare const ArrayBuffer: new (byteLength: number) => ArrayBuffer;
interface SharedArrayBuffer {
  readonly byteLength: number;
  readonly [Symbol.toStringTag]: "SharedArrayBuffer";
}
type ArrayBufferLike = ArrayBuffer | SharedArrayBuffer;

interface Uint8Array<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  readonly buffer: Buffer;
  readonly byteLength: number;
  readonly byteOffset: number;
  readonly length: number;
  [position: number]: number;
  at(position: number): number | undefined;
  entries(): ArrayIterator<[number, number]>;
  every(test: (byte: number, position: number) => unknown): boolean;
  fill(byte: number, from?: number, to?: number): this;
  findIndex(test: (byte: number, position: number) => unknown): number;
  indexOf(byte: number, from?: number): number;
  join(separator?: string): string;
  keys(): ArrayIterator<number>;
  set(bytes: ArrayLike<number>, offset?: number): void;
  slice(from?: number, to?: number): Uint8Array<ArrayBuffer>;
  some(test: (byte: number, position: number) => unknown): boolean;
  subarray(from?: number, to?: number): Uint8Array<Buffer>;
  values(): ArrayIterator<number>;
  [Symbol.iterator](): ArrayIterator<number>;
}
declare const Uint8Array: {
  new (length?: number): Uint8Array<ArrayBuffer>;
  new (bytes: ArrayLike<number> | Iterable<number>): Uint8Array<ArrayBuffer>;
  new <Buffer extends ArrayBufferLike>(buffer: Buffer, byteOffset?: number, length?: number): Uint8Array<Buffer>;
  from(bytes: ArrayLike<number> | Iterable<number>): Uint8Array<ArrayBuffer>;
  of(...bytes: number[]): Uint8Array<ArrayBuffer>;
};

// Errors.

interface ErrorOptions {
  cause?: unknown;
}
interface Error {
  name: string;
  message: string;
  stack?: string;
  cause?: unknown;
}
interface ErrorConstructor {
  new (message?: string, options?: ErrorOptions): Error;
}
declare const Error: ErrorConstructor;
interface RangeError extends Error {}
declare const RangeError: new (message?: string, options?: ErrorOptions) => RangeError;
interface TypeError extends Error {}
declare const TypeError: new (message?: string, options?: ErrorOptions) => TypeError;
