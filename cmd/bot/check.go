package main

import "github.com/spf13/cobra"

func (sh *shell) checkCommand() *cobra.Command {
	return &cobra.Command{Use: "check"}
}
