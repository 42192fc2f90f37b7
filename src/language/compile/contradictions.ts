import type { Expect, Statement } from '../generated/ast';
import type { Body } from './body';

/** What a claim says about a thing that either happened or did not. */
interface Stand {
  readonly node: Expect;
  readonly about: string;
  readonly says: 'happened' | 'did not';
}

/** Warns where two expectations of one statement can never both hold under one technique. */
export function warnOfContradictions(body: Body, below: readonly Statement[]): void {
  const stands = below.flatMap((node) => (node.$type === 'Expect' ? standOf(node) : []));
  stands.forEach((stand, i) => {
    const other = stands.slice(0, i).find((each) => each.about === stand.about && each.says !== stand.says && overlap(each.node, stand.node));
    if (other !== undefined) body.fail(stand.node, 'contradicting-claims', { other: body.written(other.node) });
  });
}

function standOf(node: Expect): readonly Stand[] {
  const { claim } = node;
  switch (claim.$type) {
    case 'NoClaim':
      return [{ node, about: claim.what, says: 'did not' }];
    case 'FaultClaim':
      return [{ node, about: claim.what, says: 'happened' }];
    case 'ListClaim':
      return [{ node, about: 'exits', says: 'happened' }];
    default:
      return [];
  }
}

/** Do both judge under some technique? Without `under` an expectation holds everywhere. */
function overlap(a: Expect, b: Expect): boolean {
  if (a.under.length === 0 || b.under.length === 0) return true;
  const names = new Set(a.under.map(({ name }) => name));
  return b.under.some(({ name }) => names.has(name) || [...names].some((each) => isAmong(name, each) || isAmong(each, name)));
}

function isAmong(name: string, family: string): boolean {
  return family === 'shadow' && name.startsWith('shadow-');
}
