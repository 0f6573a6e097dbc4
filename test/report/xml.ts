/** Reading the XML that reports write. */
export interface Element {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: (Element | string)[];
}

/**
 * A strict reader of the XML we may write: no comments, CDATA, processing instructions or entities
 * but the five. Throws on anything that XML 1.0 does not allow (sections 2.2, 2.4, 3.1).
 */
export function parseXml(document: string): Element {
  const allowed = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
  if (!allowed.test(document)) throw new Error('a character that XML cannot hold');
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!document.startsWith(head)) throw new Error('no declaration');
  const root: Element = { name: '', attributes: {}, children: [] };
  const open = [root];
  const tag = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  tag.lastIndex = head.length;
  while (tag.lastIndex < document.length) {
    const at = tag.lastIndex;
    const match = tag.exec(document);
    if (match === null) throw new Error(`not well-formed at ${at}: ${document.slice(at, at + 60)}`);
    const [, closing, name = '', attributes = '', empty, text] = match;
    const parent = open.at(-1)!;
    if (text !== undefined) parent.children.push(unescaped(text));
    else if (closing) {
      if (open.pop()!.name !== name) throw new Error(`</${name}> closes something else`);
    } else {
      const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, k, v]) => [
        k!,
        unescaped(v!),
      ]);
      const element = {
        name,
        attributes: Object.fromEntries(pairs) as Record<string, string>,
        children: [],
      };
      if (pairs.length !== Object.keys(element.attributes).length)
        throw new Error('an attribute twice');
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const elements = root.children.filter((child) => typeof child !== 'string');
  if (open.length !== 1 || elements.length !== 1) throw new Error('not one root element');
  return elements[0]!;
}

function unescaped(text: string): string {
  if (text.includes(']]>')) throw new Error(']]> in text');
  const known: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&([^;]*)(;?)/g, (all, name: string, end: string) => {
    const code = /^#(9|10|13)$/.exec(name)?.[1];
    const character = code === undefined ? known[name] : String.fromCharCode(Number(code));
    if (end === '' || character === undefined) throw new Error(`not an entity: ${all}`);
    return character;
  });
}
