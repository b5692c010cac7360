select 1 {% include 'settings.sql' %} {% from "sub/none.sql" import f %} {{ f() }}
# expect 1:48 PF381 there is no template `sub/none.sql` beside the pipeline or in the pipelines folder
