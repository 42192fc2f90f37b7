import { render } from 'lit';
import type { FromPanel, ToPanel } from '../protocol/panel';
import './panel.css';
import './addressRuler.css';
import './walkGrid.css';
import './entryDetail.css';
import { initialState, receive, selectReference, selectTab, type KeptState, type PanelState } from './panelState';
import { panelView, type PanelActions } from './panelView';

interface VsCodeApi {
  postMessage(message: FromPanel): void;
  getState(): KeptState | undefined;
  setState(state: KeptState): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const vscode = acquireVsCodeApi();
const kept = vscode.getState();
let state: PanelState = { ...initialState, ...(kept === undefined ? {} : kept) };

function show(next: PanelState): void {
  state = next;
  vscode.setState({ tab: state.tab, selected: state.selected });
  render(panelView(state, actions), document.body);
}

const actions: PanelActions = {
  reveal: (path, line) => {
    vscode.postMessage({ type: 'reveal', path, line });
  },
  selectTab: (tab) => {
    show(selectTab(state, tab));
    focus(`#tab-${String(tab)}`);
  },
  selectReference: (number) => {
    show(selectReference(state, number));
    focus(`[data-number="${String(number)}"]`);
  },
};

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

window.addEventListener('message', (event: MessageEvent<ToPanel>) => {
  show(receive(state, event.data));
});
render(panelView(state, actions), document.body);
vscode.postMessage({ type: 'ready' });
