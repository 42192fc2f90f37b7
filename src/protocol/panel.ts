import type { WalkResponse } from './requests';

/** From the extension to the Page Walk panel. */
export type ToPanel =
  | { readonly type: 'walk'; readonly walk: WalkResponse }
  /** Nothing is stopped: the sentence to show instead. */
  | { readonly type: 'empty'; readonly message: string };

/** From the panel to the extension. */
export type FromPanel =
  /** The page is loaded: send the present state. */
  | { readonly type: 'ready' }
  /** Open the access's line in the editor. */
  | { readonly type: 'reveal'; readonly path: string; readonly line: number };
