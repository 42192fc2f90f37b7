/** A value of the sample program. */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'binary'; readonly operator: '+' | '-' | '&' | '|' | '^' | '<<' | '>>'; readonly left: Value; readonly right: Value }
  | { readonly kind: 'load'; readonly address: Value };

/** A statement of the sample program. */
export type Sample =
  | { readonly kind: 'assign'; readonly name: string; readonly value: Value }
  | { readonly kind: 'store'; readonly address: Value; readonly value: Value }
  | { readonly kind: 'if'; readonly left: Value; readonly operator: '<' | '=='; readonly right: Value; readonly then: readonly Sample[] };

const number = (value: number): Value => ({ kind: 'number', value });
const name = (of: string): Value => ({ kind: 'variable', name: of });
const binary = (left: Value, operator: (Value & { kind: 'binary' })['operator'], right: Value): Value => ({ kind: 'binary', operator, left, right });

/** Linear address that the sample's loads and stores lie at, in a mapped page. */
export const SAMPLE_PAGE = 0x600000;
export const SAMPLE_VARIABLES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

/**
 * Forty statements as a guest's procedures have them: indices and flags computed from addresses and entries, loads,
 * stores, decisions; about ten nodes a statement. Values stay below 2^31, so that Numbers compute the same.
 */
export function sampleBody(): readonly Sample[] {
  const statements: Sample[] = [];
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
  const variable = (): Value => name(SAMPLE_VARIABLES[next(SAMPLE_VARIABLES.length)] ?? 'a');
  const small = (): Value => binary(variable(), '&', number(next(0xfff) + 1));
  const address = (): Value => binary(number(SAMPLE_PAGE), '+', binary(binary(variable(), '&', number(0xff)), '<<', number(3)));
  const value = (): Value => {
    switch (next(4)) {
      case 0: return binary(binary(small(), '+', small()), '^', number(next(1000)));
      case 1: return binary(binary(variable(), '>>', number(next(8) + 1)), '|', small());
      case 2: return binary(binary(small(), '+', number(next(1000) + 5000)), '-', small());
      default: return binary(binary(small(), '<<', number(next(4))), '+', binary(small(), '^', small()));
    }
  };
  const plain = (): Sample => {
    const kind = next(10);
    const target = SAMPLE_VARIABLES[next(SAMPLE_VARIABLES.length)] ?? 'a';
    if (kind < 2) return { kind: 'store', address: address(), value: value() };
    if (kind < 4) return { kind: 'assign', name: target, value: binary({ kind: 'load', address: address() }, '&', number(0xffff)) };
    return { kind: 'assign', name: target, value: value() };
  };
  while (statements.length < 32) statements.push(plain());
  // Four decisions of two statements each: forty in all.
  for (let at = 4; at < 36; at += 9) {
    statements.splice(at, 0, { kind: 'if', left: small(), operator: next(2) === 0 ? '<' : '==', right: number(next(4096)), then: [plain()] });
  }
  return statements;
}

/** The value in the guest language, which is JavaScript's too, but for loads. */
function written(value: Value, load: (address: string) => string): string {
  switch (value.kind) {
    case 'number': return String(value.value);
    case 'variable': return value.name;
    case 'load': return load(written(value.address, load));
    case 'binary': return `(${written(value.left, load)} ${value.operator} ${written(value.right, load)})`;
  }
}

/** The program in the guest language: the body, `turns` times. */
export function guestText(body: readonly Sample[], turns: number): string {
  const load = (address: string): string => `[${address}]`;
  const line = (sample: Sample): string => {
    switch (sample.kind) {
      case 'assign': return `${sample.name} = ${written(sample.value, load)}`;
      case 'store': return `[${written(sample.address, load)}] = ${written(sample.value, load)}`;
      case 'if': return `if ${written(sample.left, load)} ${sample.operator} ${written(sample.right, load)} {\n${sample.then.map(line).join('\n')}\n}`;
    }
  };
  const variables = SAMPLE_VARIABLES.map((variable, i) => `${variable} = ${i + 1}`).join('\n');
  return `process p { 0x600000 .. 0x601000 rw kernel }
cpu 0 {
switch(p)
${variables}
repeat ${turns} {
${body.map(line).join('\n')}
}
}
`;
}

/** The same as the body of a JavaScript function of `processor`, `counters` and `turns`: what a compiler to JavaScript would make. */
export function twinText(body: readonly Sample[]): string {
  const load = (address: string): string => `load(processor, ${address})`;
  const count = 'counters[0]++;';
  const line = (sample: Sample): string => {
    switch (sample.kind) {
      case 'assign': return `${count} ${sample.name} = ${written(sample.value, load)};`;
      case 'store': return `${count} { const v = ${written(sample.value, load)}; processor.store(${written(sample.address, load)} | 0, 0, 8, v | 0, 0); }`;
      case 'if': return `${count} if (${written(sample.left, load)} ${sample.operator} ${written(sample.right, load)}) { ${sample.then.map(line).join('\n')} }`;
    }
  };
  return `const load = (processor, address) => { processor.load(address | 0, 0, 8); return processor.valueLo; };
let ${SAMPLE_VARIABLES.map((variable, i) => `${variable} = ${i + 1}`).join(', ')};
for (let turn = 0; turn < turns; turn++) {
${body.map(line).join('\n')}
}
return ${SAMPLE_VARIABLES.join(' + ')};`;
}
