# libvirtd ends a download with an empty packet, and sends its final reply after that. The client takes the first for the
# end and stops listening; the goroutine that reads the socket then waits for ever to hand the reply over, holding the
# lock that every other call needs. With room for it nobody waits.
s/^\tc := make(chan response)$/\tc := make(chan response, 16)/
