import { AstUtils, type AstNode } from 'langium';
import type { Cpu, File, Handler, HostThread, Procedure, Vm } from '../generated/ast';
import type { EditedFile, EditedScenario } from './editedScenario';
import { builtinMeaning } from './builtinMeaning';
import { isDeclared, type DeclaredKind, type Meaning } from './meaning';
import { tokensOf, type Token } from './words';

/** One place where a declared thing is named. */
export interface NameUse {
  readonly file: EditedFile;
  readonly token: Token;
  readonly role: 'declares' | 'writes' | 'uses';
}

export interface Declaration extends NameUse {
  readonly kind: DeclaredKind;
  readonly key: string;
}

/** A block that variables live in. */
export type BodyOwner = Cpu | Procedure | Handler | HostThread;

const DECLARED_BY: Readonly<Record<string, DeclaredKind>> = {
  Procedure: 'procedure', Global: 'global', Table: 'table', Process: 'process', Vm: 'vm', HostThread: 'host thread', Param: 'parameter',
};

const BODY_OWNERS: ReadonlySet<string> = new Set(['Cpu', 'Procedure', 'Handler', 'HostThread']);

const made = new WeakMap<EditedScenario, NameIndex>();

/** The index of a scenario, made at its first use. */
export function nameIndex(scenario: EditedScenario): NameIndex {
  let index = made.get(scenario);
  if (index === undefined) {
    index = new NameIndex(scenario);
    made.set(scenario, index);
  }
  return index;
}

/**
 * What each name of a scenario and its files means. A name of a body is a global, table or process when one is
 * declared, else a variable of that body; the scenario's own procedures come before the library's.
 */
export class NameIndex {
  private readonly declared = new Map<string, Declaration>();
  private readonly locals = new WeakMap<AstNode, ReadonlyMap<string, Token>>();
  private uses: ReadonlyMap<string, readonly NameUse[]> | undefined;

  constructor(private readonly scenario: EditedScenario) {
    for (const file of [...scenario.files].reverse()) {
      for (const token of tokensOf(file.file)) this.declare(file, token);
    }
  }

  /** All declarations but those of parameters and variables. */
  declarations(): readonly Declaration[] {
    return [...this.declared.values()].filter(({ kind }) => kind !== 'parameter');
  }

  /** Names that CPUs and host threads meet at. */
  meetingNames(): readonly string[] {
    this.uses ??= this.findUses();
    return [...this.uses.keys()].filter((key) => key.startsWith('meeting ')).map((key) => key.slice('meeting '.length));
  }

  declaration(key: string): Declaration | undefined {
    const declared = this.declared.get(key);
    if (declared !== undefined) return declared;
    const [first] = this.usesOf(key);
    return first === undefined ? undefined : { ...first, kind: 'variable', key };
  }

  /** Every place that names the thing, its declaration among them, file by file. */
  usesOf(key: string): readonly NameUse[] {
    this.uses ??= this.findUses();
    return this.uses.get(key) ?? [];
  }

  /** The procedure that a call of `name` in a body runs. `original` is what the body's own procedure replaces. */
  procedureFor(name: string, from: AstNode): Declaration | undefined {
    const owner = bodyOwner(from);
    if (name === 'original' && owner !== undefined) {
      return this.declared.get(owner.$type === 'Procedure' ? libraryKey('procedure', owner.name) : `library handler ${handlerName(owner)}`);
    }
    return this.visible('procedure', name, from);
  }

  /** Keys of what `name` means already at a place: as a procedure, a value or a variable of the body. */
  meaningsOf(name: string, place: Token): readonly string[] {
    const owner = bodyOwner(place.node);
    const local = owner !== undefined && this.localsOf(owner).has(name) ? [this.localKey(owner, name)] : [];
    const found = [this.visible('procedure', name, place.node), this.visible('value', name, place.node), this.declared.get(`vm ${name}`)];
    return [...local, ...found.flatMap((each) => (each === undefined ? [] : [each.key]))];
  }

  /** Variables and parameters of a body, with where each is first named. */
  localsOf(owner: BodyOwner): ReadonlyMap<string, Token> {
    const known = this.locals.get(owner);
    if (known !== undefined) return known;
    const found = new Map<string, Token>();
    for (const token of tokensOf(fileOf(owner))) {
      if (owner.$cstNode === undefined || token.start < owner.$cstNode.offset || token.end > owner.$cstNode.end) continue;
      const isParameter = token.node.$type === 'Param' && token.property === 'name';
      if (!isParameter && !assigns(token)) continue;
      const isElsewhere = !isParameter && this.visible('value', token.image, owner) !== undefined;
      if (!isElsewhere && !found.has(token.image)) found.set(token.image, token);
    }
    this.locals.set(owner, found);
    return found;
  }

  /** What a word means where it stands; undefined for numbers, texts, signs and comments. */
  meaningOf(token: Token): Meaning | undefined {
    if (token.kind !== 'word') return undefined;
    return this.declaredMeaning(token) ?? builtinMeaning(token);
  }

  private declaredMeaning(token: Token): Meaning | undefined {
    const { node, property, image: name } = token;
    const kind = declaredKind(token);
    if (kind !== undefined) return { kind, name, key: this.keyOf(token, kind) };
    if (property === 'name' && (node.$type === 'Meet' || node.$type === 'Hold')) return { kind: 'meeting', name, key: `meeting ${name}` };
    if (property === 'name' && node.$type === 'For') return this.valueMeaning(token, name);
    if (node.$type === 'NameRef' && property === 'name') return isCallee(node) ? this.calleeMeaning(token) : this.valueMeaning(token, name);
    if (node.$type === 'Field' && property === 'field') return this.fieldMeaning(token);
    return undefined;
  }

  private calleeMeaning(token: Token): Meaning | undefined {
    const found = this.procedureFor(token.image, token.node);
    return found === undefined ? undefined : { kind: found.kind, name: found.token.image, key: found.key };
  }

  private valueMeaning(token: Token, name: string): Meaning | undefined {
    const owner = bodyOwner(token.node);
    const local = owner === undefined ? undefined : this.localsOf(owner).get(name);
    if (owner !== undefined && local !== undefined) {
      return { kind: local.node.$type === 'Param' ? 'parameter' : 'variable', name, key: this.localKey(owner, name) };
    }
    const found = this.visible('value', name, token.node) ?? this.declared.get(`vm ${name}`) ?? this.declared.get(`slot ${name}`);
    return found === undefined ? undefined : { kind: found.kind, name, key: found.key };
  }

  /** `alice.p`: a name of another VM. */
  private fieldMeaning(token: Token): Meaning | undefined {
    const of = 'of' in token.node ? (token.node.of as AstNode & { readonly name?: string }) : undefined;
    if (of?.$type !== 'NameRef' || of.name === undefined) return undefined;
    const vm = this.declared.get(`vm ${of.name}`);
    if (vm === undefined) return undefined;
    const found = this.declared.get(`${vmPath(vm.token.node)}${of.name}/ value ${token.image}`);
    return found === undefined ? undefined : { kind: found.kind, name: token.image, key: found.key };
  }

  /** What a name means from a node on: its VM's, the file's, then the library's. The library knows its own values alone. */
  private visible(room: 'procedure' | 'value', name: string, from: AstNode): Declaration | undefined {
    if (room === 'value' && this.isLibrary(fileOf(from))) return this.declared.get(libraryKey(room, name));
    const vm = vmPath(from);
    return this.declared.get(`${vm} ${room} ${name}`) ?? this.declared.get(` ${room} ${name}`) ?? this.declared.get(libraryKey(room, name));
  }

  private keyOf(token: Token, kind: DeclaredKind): string {
    const { node, image } = token;
    if (kind === 'vm') return `vm ${image}`;
    if (kind === 'slot') return `slot ${image}`;
    if (kind === 'parameter') {
      const owner = bodyOwner(node);
      return owner === undefined ? `parameter ${image}` : this.localKey(owner, image);
    }
    const room = kind === 'procedure' ? 'procedure' : 'value';
    return this.isLibrary(fileOf(node)) ? libraryKey(room, image) : `${vmPath(node)} ${room} ${image}`;
  }

  private localKey(owner: BodyOwner, name: string): string {
    const file = fileOf(owner);
    return `file ${this.scenario.files.findIndex((each) => each.file === file)} at ${owner.$cstNode?.offset ?? 0} local ${name}`;
  }

  /** The last file, when it holds the kernel: its names are seen from everywhere, and replaced by the scenario's. */
  private isLibrary(file: File): boolean {
    const last = this.scenario.files[this.scenario.files.length - 1];
    return this.scenario.files.length > 1 && last?.file === file;
  }

  private declare(file: EditedFile, token: Token): void {
    const kind = declaredKind(token);
    if (kind !== undefined) {
      const key = this.keyOf(token, kind);
      this.declared.set(key, { file, token, role: 'declares', kind, key });
    } else if (token.node.$type === 'Handler' && token.property === 'exception' && this.isLibrary(file.file)) {
      const key = `library handler ${token.image}`;
      this.declared.set(key, { file, token, role: 'declares', kind: 'handler', key });
    }
  }

  private findUses(): ReadonlyMap<string, readonly NameUse[]> {
    const uses = new Map<string, NameUse[]>();
    for (const file of this.scenario.files) {
      for (const token of tokensOf(file.file)) {
        if (token.kind !== 'word') continue;
        const meaning = this.declaredMeaning(token);
        if (meaning === undefined || !isDeclared(meaning)) continue;
        const list = uses.get(meaning.key) ?? [];
        list.push({ file, token, role: roleOf(token) });
        uses.set(meaning.key, list);
      }
    }
    return uses;
  }
}

function declaredKind(token: Token): DeclaredKind | undefined {
  if (token.kind !== 'word') return undefined;
  if (token.property === 'name' && !token.isKeyword) return DECLARED_BY[token.node.$type];
  if (token.property === 'name' && token.node.$type === 'Param') return 'parameter';
  return isSlotName(token) ? 'slot' : undefined;
}

/** What a word does to the thing it names. */
export function roleOf(token: Token): NameUse['role'] {
  return declaredKind(token) !== undefined ? 'declares' : assigns(token) ? 'writes' : 'uses';
}

/** `slot low 0 .. 16M ram`: the first word of the setting. */
function isSlotName({ node, property }: Token): boolean {
  const setting = node.$container;
  if (node.$type !== 'Word' || property !== 'word' || setting?.$type !== 'Setting') return false;
  return 'name' in setting && setting.name === 'slot' && node.$containerIndex === 0;
}

/** Whether a word is a variable that gets a value here. */
function assigns({ node, property }: Token): boolean {
  if (property !== 'name') return false;
  if (node.$type === 'For') return true;
  const update = node.$container;
  return node.$type === 'NameRef' && update?.$type === 'Update' && node.$containerProperty === 'target' && 'op' in update && update.op !== undefined;
}

export function isCallee(node: AstNode): boolean {
  return node.$container?.$type === 'Call' && node.$containerProperty === 'of';
}

/** The body that a node stands in. */
export function bodyOwner(node: AstNode): BodyOwner | undefined {
  return AstUtils.getContainerOfType(node, (each): each is BodyOwner => BODY_OWNERS.has(each.$type));
}

/** `page_fault` or `interrupt`, as the handler is written. */
function handlerName(owner: BodyOwner): string {
  return owner.$type === 'Handler' ? (owner.exception ?? 'interrupt') : '';
}

/** The VMs around a node, outermost first: `l1/l2/`; empty outside of all. */
function vmPath(node: AstNode): string {
  const isVm = (each: AstNode): each is Vm => each.$type === 'Vm';
  let path = '';
  for (let vm = around(node, isVm); vm !== undefined; vm = around(vm, isVm)) path = `${vm.name}/${path}`;
  return path;
}

function around<T extends AstNode>(node: AstNode, is: (each: AstNode) => each is T): T | undefined {
  return node.$container === undefined ? undefined : AstUtils.getContainerOfType(node.$container, is);
}

function fileOf(node: AstNode): File {
  const isFile = (each: AstNode): each is File => each.$type === 'File';
  const file = AstUtils.getContainerOfType(node, isFile);
  if (file === undefined) throw new Error('invariant: a node of no file');
  return file;
}

function libraryKey(room: 'procedure' | 'value', name: string): string {
  return `library ${room} ${name}`;
}
