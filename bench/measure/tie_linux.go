package main

import "syscall"

// dieWithParent makes a server end when this program is killed and can no longer end it.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGTERM }
