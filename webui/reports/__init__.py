"""Reports of orders, media, products and regions. A report is a row of the registry: name, filters, figures, chart."""
