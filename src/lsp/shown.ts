import { CompletionItemKind, FoldingRangeKind, SymbolKind } from 'vscode-languageserver/lib/common/api';
import type { CompletionKind } from '../language/editor/completion';
import type { Fold } from '../language/editor/folding';
import type { OutlineItem } from '../language/editor/outline';

/** How each kind of completion is shown. */
export const completionKinds: Readonly<Record<CompletionKind, CompletionItemKind>> = {
  keyword: CompletionItemKind.Keyword,
  procedure: CompletionItemKind.Function,
  function: CompletionItemKind.Method,
  variable: CompletionItemKind.Variable,
  global: CompletionItemKind.Variable,
  process: CompletionItemKind.Class,
  vm: CompletionItemKind.Module,
  constant: CompletionItemKind.EnumMember,
  register: CompletionItemKind.Constant,
  setting: CompletionItemKind.Property,
  technique: CompletionItemKind.EnumMember,
  field: CompletionItemKind.Field,
  event: CompletionItemKind.Event,
  type: CompletionItemKind.TypeParameter,
};

/** How each kind of declaration is shown in the outline. */
export const outlineKinds: Readonly<Record<OutlineItem['kind'], SymbolKind>> = {
  machine: SymbolKind.Object,
  process: SymbolKind.Class,
  global: SymbolKind.Variable,
  table: SymbolKind.Array,
  procedure: SymbolKind.Function,
  handler: SymbolKind.Event,
  cpu: SymbolKind.Method,
  vm: SymbolKind.Module,
  'host thread': SymbolKind.Namespace,
  import: SymbolKind.File,
  schedule: SymbolKind.Property,
};

export const foldKinds: Readonly<Record<Fold['kind'], FoldingRangeKind | undefined>> = {
  block: undefined,
  comment: FoldingRangeKind.Comment,
  imports: FoldingRangeKind.Imports,
};
