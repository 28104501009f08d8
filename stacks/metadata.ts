/**
 * Namespace of our element in a domain's `<metadata>`. A domain that carries it was made by vm-webhoster, whatever
 * its name is; `virsh metadata <domain> --uri <this>` answers with the element, which names the hosting and the pool.
 */
export const METADATA_NAMESPACE = 'urn:vm-webhoster:hosting:1';
