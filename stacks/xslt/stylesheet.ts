/**
 * XSLT, because the provider's schema leaves out half of what libvirt can do: it renders its own XML, runs
 * it through xsltproc with the stylesheet of the resource, and defines the result.
 *
 * The provider never reads a stylesheet's effects back, so they cause no drift. Any change to a stylesheet's text,
 * however, replaces the resource it belongs to: a release that touches one replaces every existing domain (the
 * volumes stay). Values that go into a stylesheet have passed the allow-list of `check-spec.ts`, which holds
 * nothing that is special in XML or in an attribute value template.
 */
export function stylesheet(templates: readonly string[]): string {
  return `${[
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">',
    '<xsl:output omit-xml-declaration="yes" indent="yes"/>',
    '<xsl:strip-space elements="*"/>',
    '<xsl:template match="@*|node()">',
    '  <xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy>',
    '</xsl:template>',
    ...templates,
    '</xsl:stylesheet>',
  ].join('\n')}\n`;
}

/** Copies each element that matches and adds `children` (literal XML) before those it has. */
export function prepend(match: string, children: readonly string[]): string {
  return [
    `<xsl:template match="${match}">`,
    '  <xsl:copy>',
    '    <xsl:apply-templates select="@*"/>',
    ...children.map((child) => `    ${child}`),
    '    <xsl:apply-templates select="node()"/>',
    '  </xsl:copy>',
    '</xsl:template>',
  ].join('\n');
}

/** Puts `replacement` (literal XML, nothing by default) where each node that matches was. */
export function replace(match: string, replacement = ''): string {
  return `<xsl:template match="${match}">${replacement}</xsl:template>`;
}

/** Sets attributes on each element that matches; those that it already has are overwritten. */
export function setAttributes(match: string, attributes: Readonly<Record<string, string>>): string {
  return [
    `<xsl:template match="${match}">`,
    '  <xsl:copy>',
    '    <xsl:apply-templates select="@*"/>',
    ...Object.entries(attributes).map(
      ([name, value]) => `    <xsl:attribute name="${name}">${value}</xsl:attribute>`,
    ),
    '    <xsl:apply-templates select="node()"/>',
    '  </xsl:copy>',
    '</xsl:template>',
  ].join('\n');
}
