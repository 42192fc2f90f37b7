import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';
import { conformText, readVectors } from '../../src/cli/conform';
import { products, type Product } from '../exhaustive/products/catalog';
import { projectRoot } from '../vscode/harness/projectRoot';

/** Tests that may catch a broken row: resolves with what caught it, or undefined. */
export interface Guard {
  readonly name: string;
  run(): Promise<string | undefined>;
}

/** Every so-many-th case of the products whose titles begin with one of these words; first, and all of them, those of single bits. */
export function productGuard(words: readonly string[], stride: number): Guard {
  // Those that only prepare their cases for seconds are left to the whole product.
  const isLong = (about: string): boolean => about.includes('everywhere in the walk') || about.includes('every page size');
  const named = products.filter(({ about }) => words.some((word) => about.startsWith(word)) && !isLong(about));
  const isQuick = ({ about }: Pick<Product, 'about'>): boolean => about.includes('single bit');
  const chosen = [...named.filter(isQuick), ...named.filter((product) => !isQuick(product))];
  if (chosen.length === 0) throw new Error(`no product is about ${words.join(' or ')}`);
  return {
    name: `product ${words.join(' ')}`,
    run: async () => {
      for (const product of chosen) {
        const score = product.run({ stride: isQuick(product) ? 1 : stride, until: 'the first difference' });
        if (score.differing > 0) return product.about;
      }
      await Promise.resolve(undefined);
    },
  };
}

/** A mocha that can be loaded once and run again and again. */
class RepeatedMocha extends Mocha {
  constructor(files: readonly string[]) {
    super({ bail: true, timeout: 120_000, reporter: Silent });
    this.cleanReferencesAfterRun(false);
    for (const file of files) this.addFile(file);
    this.loadFiles();
  }
}

class Silent extends Mocha.reporters.Base {}

const loaded = new Map<string, RepeatedMocha>();

/** Unit tests of folders under test/ (no folder: a single file), run in this process over the tables as they stand. */
export function unitGuard(...places: readonly string[]): Guard {
  const name = places.join(' ');
  return {
    name: `unit tests ${name}`,
    run: async () => {
      const mocha = loaded.get(name) ?? new RepeatedMocha(places.flatMap(testsOf));
      loaded.set(name, mocha);
      return await new Promise((resolve) => {
        let caughtBy: string | undefined;
        mocha.run(() => {
          resolve(caughtBy);
        }).on('fail', (test: Mocha.Runnable) => {
          caughtBy ??= test.fullTitle();
        });
      });
    },
  };
}

function testsOf(place: string): string[] {
  const path = join(projectRoot, 'test', place);
  if (path.endsWith('.ts')) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts')).map((file) => join(path, file));
}

const vectors = ['native-bochs', 'native-qemu', 'ept-bochs', 'npt-qemu'] as const;
const texts = new Map<string, string>();

/** The conformance vectors; `stride`: every so-many-th line. */
export function conformanceGuard(stride: number): Guard {
  return {
    name: 'conformance',
    run: async () => {
      for (const name of vectors) {
        const text = texts.get(name) ?? readVectors(join(projectRoot, 'test', 'conformance', `${name}.jsonl.gz`));
        texts.set(name, text);
        const lines = text.split('\n').filter((_, index) => index % stride === 0);
        if (conformText(name, lines.join('\n')).failed > 0) return name;
      }
      await Promise.resolve(undefined);
    },
  };
}
