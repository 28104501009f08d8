# What libvirt's Go client gets wrong about streams, which is how the provider reads a cloud-init disk back. The checksum of
# what comes out is in whole-streams.sha256.
#
# At the end: libvirtd ends a download with an empty packet, and sends its final reply after that. The client takes the
# first for the end and stops listening; the goroutine that reads the socket then waits for ever to hand the reply over,
# holding the lock that every other call needs. With room for it nobody waits.
s/^\tc := make(chan response)$/\tc := make(chan response, 16)/

# At the beginning: another thread of libvirtd may send the first packet of the stream before the reply to the call. The
# client takes it for the reply, and the reply for the end of the stream: what it has read is empty, and the rest of the
# stream is a late reply. With its type a packet is taken for what it is.
s/^type response struct {$/&\n\tType    uint32/
s/response{Payload: buf, Status: h\.Status}/response{Payload: buf, Status: h.Status, Type: h.Type}/
s/^\tif out != nil {$/\tvar early []response\
\tfor resp.Type == socket.Stream {\
\t\tearly = append(early, resp)\
\t\tif resp, err = l.getResponse(c); err != nil {\
\t\t\treturn resp, err\
\t\t}\
\t}\
\
&/
s/^\t\treturn l\.processIncomingStream(c, in)$/\t\treturn l.processIncomingStream(c, in, early...)/
s/^\(func (l \*Libvirt) processIncomingStream(c chan response, inStream io\.Writer\)\()\)/\1, early ...response\2/
s/^\t\tresp, err := l\.getResponse(c)$/\t\tvar resp response\
\t\tvar err error\
\t\tif len(early) > 0 {\
\t\t\tresp, early = early[0], early[1:]\
\t\t} else {\
\t\t\tresp, err = l.getResponse(c)\
\t\t}/
